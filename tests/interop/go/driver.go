// A naming client moved by lines of JSON: a command per line on stdin, its answer and what the
// client hears on stdout (see ../README.md), the client's log on stderr.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"

	"github.com/nacos-group/nacos-sdk-go/v2/clients"
	"github.com/nacos-group/nacos-sdk-go/v2/clients/naming_client"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"
)

type place struct {
	Do         string
	Service    string
	Group      string
	IP         string
	Port       uint64
	Cluster    string
	Weight     float64
	Healthy    bool
	Metadata   map[string]string
	Persistent bool
}

type command struct {
	place
	Instances []place
	Page      uint32
	Size      uint32
}

type line map[string]any

var (
	out           = os.Stdout
	outLock       sync.Mutex
	subscriptions = map[string]*vo.SubscribeParam{}
)

func tell(x line) {
	text, err := json.Marshal(x)
	must(err)
	outLock.Lock()
	defer outLock.Unlock()
	fmt.Fprintf(out, "%s\n", text)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(4)
	}
}

func instance(x place) vo.RegisterInstanceParam {
	return vo.RegisterInstanceParam{
		Ip: x.IP, Port: x.Port, Weight: x.Weight, Enable: true, Healthy: x.Healthy,
		Metadata: x.Metadata, ClusterName: x.Cluster, ServiceName: x.Service, GroupName: x.Group,
		Ephemeral: !x.Persistent,
	}
}

func done(is bool, err error) (any, error) {
	if !is {
		return "refused", err
	}
	return "ok", err
}

func run(client naming_client.INamingClient, x command) (any, error) {
	key := x.Group + "@@" + x.Service
	switch x.Do {
	case "register":
		return done(client.RegisterInstance(instance(x.place)))
	case "batch":
		all := []vo.RegisterInstanceParam{}
		for _, each := range x.Instances {
			all = append(all, instance(each))
		}
		return done(client.BatchRegisterInstance(vo.BatchRegisterInstanceParam{
			ServiceName: x.Service, GroupName: x.Group, Instances: all,
		}))
	case "deregister":
		return done(client.DeregisterInstance(vo.DeregisterInstanceParam{
			Ip: x.IP, Port: x.Port, Cluster: x.Cluster, ServiceName: x.Service, GroupName: x.Group,
			Ephemeral: !x.Persistent,
		}))
	case "list":
		return client.SelectAllInstances(vo.SelectAllInstancesParam{
			ServiceName: x.Service, GroupName: x.Group,
		})
	case "select":
		return client.SelectInstances(vo.SelectInstancesParam{
			ServiceName: x.Service, GroupName: x.Group, HealthyOnly: true,
		})
	case "services":
		page, err := client.GetAllServicesInfo(vo.GetAllServiceInfoParam{
			GroupName: x.Group, PageNo: x.Page, PageSize: x.Size,
		})
		return line{"count": page.Count, "names": append([]string{}, page.Doms...)}, err
	case "subscribe":
		subscriptions[key] = &vo.SubscribeParam{
			ServiceName: x.Service,
			GroupName:   x.Group,
			SubscribeCallback: func(hosts []model.Instance, err error) {
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				tell(line{"event": "changed", "hosts": hosts})
			},
		}
		return "ok", client.Subscribe(subscriptions[key])
	case "unsubscribe":
		return "ok", client.Unsubscribe(subscriptions[key])
	}
	return nil, fmt.Errorf("unknown: %s", x.Do)
}

func main() {
	host, portText, err := net.SplitHostPort(os.Args[1])
	must(err)
	port, err := strconv.ParseUint(portText, 10, 16)
	must(err)
	// The client's log goes to what it takes for stdout.
	os.Stdout = os.Stderr
	client, err := clients.NewNamingClient(vo.NacosClientParam{
		ClientConfig: &constant.ClientConfig{
			NamespaceId: os.Args[2], TimeoutMs: 5000, AppendToStdout: true,
			LogDir: "log", CacheDir: "cache", NotLoadCacheAtStart: true,
		},
		ServerConfigs: []constant.ServerConfig{{IpAddr: host, Port: port}},
	})
	must(err)
	tell(line{"answer": "ready"})

	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		var x command
		must(json.Unmarshal(commands.Bytes(), &x))
		if x.Do == "quit" {
			client.CloseClient()
			tell(line{"answer": "bye"})
			os.Exit(0)
		}
		answer, err := run(client, x)
		if err != nil {
			tell(line{"error": err.Error()})
		} else {
			tell(line{"answer": answer})
		}
	}
	os.Exit(3) // Whoever gave the commands is gone.
}
