// The checks with grpc-go: see ../README.md.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	mib  = 1 << 20
	text = "nö: 100 % – 错误\n"
)

var (
	sizesOfMessages = []int{0, 1, 1_000, 16_384, 65_536, 1_000_000, 4 * mib, 10 * mib}

	plain, gzipAddress, pingsAddress, tlsAddress, authority, node string
)

// raw passes bytes on as they are.
type raw struct{}

func (raw) Name() string { return "raw" }

func (raw) Marshal(x any) ([]byte, error) { return *x.(*[]byte), nil }

func (raw) Unmarshal(data []byte, x any) error {
	*x.(*[]byte) = append([]byte(nil), data...)
	return nil
}

func check(holds bool, what any) {
	if !holds {
		panic(what)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func pattern(size int) []byte {
	result := make([]byte, size)
	for i := range result {
		result[i] = byte(i % 1021 * 31)
	}
	return result
}

type echo struct{ connection *grpc.ClientConn }

func dial(address string, options ...grpc.DialOption) echo {
	options = append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}),
			grpc.MaxCallRecvMsgSize(1<<30), grpc.MaxCallSendMsgSize(1<<30)),
	}, options...)
	connection, err := grpc.NewClient(address, options...)
	must(err)
	return echo{connection}
}

func soon() context.Context {
	context, _ := context.WithTimeout(context.Background(), 30*time.Second)
	return context
}

func (x echo) call(context context.Context, path string, request []byte) ([]byte, error) {
	var answer []byte
	err := x.connection.Invoke(context, path, &request, &answer)
	return answer, err
}

func (x echo) unary(request []byte) []byte {
	answer, err := x.call(soon(), "/nacre.Echo/Unary", request)
	must(err)
	return answer
}

type seen struct{ Connection, Calls, Unsent, Cancelled, Late int }

func (x echo) seen() (found seen) {
	answer, err := x.call(soon(), "/nacre.Echo/Seen", nil)
	must(err)
	must(json.Unmarshal(answer, &found))
	return
}

// awaitCalls waits until so many calls are under way at the server, with this one.
func (x echo) awaitCalls(number int) seen {
	for deadline := time.Now().Add(10 * time.Second); ; {
		found := x.seen()
		if found.Calls == number {
			return found
		}
		check(time.Now().Before(deadline), fmt.Sprint("not so many calls: ", number, found))
	}
}

type stream struct{ grpc.ClientStream }

func (x echo) stream(context context.Context, method string) stream {
	description := grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	opened, err := x.connection.NewStream(context, &description, "/nacre.Echo/"+method)
	must(err)
	return stream{opened}
}

func (x stream) send(message []byte) { must(x.SendMsg(&message)) }

func (x stream) receive() []byte {
	var message []byte
	must(x.RecvMsg(&message))
	return message
}

// expect takes so many messages of this size, and the end of the stream.
func (x stream) expect(count, size int) {
	for i := 0; i < count; i++ {
		check(len(x.receive()) == size, "another size")
	}
	x.expectEnd()
}

func (x stream) expectEnd() {
	var message []byte
	err := x.RecvMsg(&message)
	check(err == io.EOF, fmt.Sprint("another end: ", err))
}

// many asks for so many messages of this size.
func (x echo) many(context context.Context, count, size int) stream {
	many := x.stream(context, "Many")
	many.send([]byte(fmt.Sprint(count, " ", size)))
	must(many.CloseSend())
	return many
}

func echoSizes(x echo, sizes []int) {
	for _, size := range sizes {
		check(bytes.Equal(x.unary(pattern(size)), pattern(size)), fmt.Sprint("another message of ", size))
	}
}

func echoStream(x echo, sizes []int) {
	stream := x.stream(soon(), "Stream")
	for _, size := range sizes {
		stream.send(pattern(size))
		check(bytes.Equal(stream.receive(), pattern(size)), fmt.Sprint("another message of ", size))
	}
	go func() {
		for _, size := range sizes {
			stream.send(pattern(size))
		}
		must(stream.CloseSend())
	}()
	for _, size := range sizes {
		check(len(stream.receive()) == size, fmt.Sprint("another size than ", size))
	}
	stream.expectEnd()
}

func sizes(x echo) { echoSizes(x, sizesOfMessages) }

func tooLarge(x echo) {
	_, err := x.call(soon(), "/nacre.Echo/Unary", pattern(10*mib+1))
	check(status.Code(err) == codes.ResourceExhausted, err)
	x.unary([]byte("next"))
}

func bothWays(x echo) { echoStream(x, sizesOfMessages) }

func serverStream(x echo) { x.many(soon(), 10_000, 100).expect(10_000, 100) }

func clientStream(x echo) {
	stream := x.stream(soon(), "Collect")
	for i := 0; i < 10_000; i++ {
		stream.send(pattern(100))
	}
	must(stream.CloseSend())
	check(string(stream.receive()) == "10000 1000000", "another count")
	stream.expectEnd()
}

// atOnce makes so many calls and waits for none before all are begun.
func atOnce(x echo, count int) *sync.WaitGroup {
	var all sync.WaitGroup
	for i := 0; i < count; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			request := []byte(fmt.Sprint(i))
			answer, err := x.call(soon(), "/nacre.Echo/Unary", request)
			must(err)
			check(bytes.Equal(answer, request), "another message")
		}()
	}
	return &all
}

func manyCalls(x echo) { atOnce(x, 300).Wait() }

func failures(x echo) {
	expect := func(err error, code codes.Code, text string) {
		found := status.Convert(err)
		check(found.Code() == code && strings.HasPrefix(found.Message(), text), err)
	}
	fail := func(code codes.Code, text, told string) {
		_, err := x.call(soon(), "/nacre.Echo/Fail", []byte(fmt.Sprintf("%d early %s", code, text)))
		expect(err, code, told)
		stream := x.stream(soon(), "Fail")
		stream.send([]byte(fmt.Sprintf("%d late %s", code, text)))
		must(stream.CloseSend())
		check(string(stream.receive()) == "before", "the message before")
		var none []byte
		expect(stream.RecvMsg(&none), code, told)
	}
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		fail(code, text, text)
	}
	fail(codes.Internal, strings.Repeat("é", 10_000), strings.Repeat("é", 100))
}

func unknown(x echo) {
	other := dial(node)
	defer other.connection.Close()
	for _, server := range []echo{x, other} {
		for _, path := range []string{"/nacre.Echo/Nothing", "/nacre.Nothing/Unary"} {
			_, err := server.call(soon(), path, nil)
			check(status.Code(err) == codes.Unimplemented, err)
		}
	}
}

func deadline(x echo) {
	began := time.Now()
	short, end := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer end()
	_, err := x.call(short, "/nacre.Echo/Wait", nil)
	check(status.Code(err) == codes.DeadlineExceeded, err)
	took := time.Since(began)
	check(took > 250*time.Millisecond && took < 5*time.Second, took)
	x.awaitCalls(1)
}

func cancel(x echo) {
	before := x.seen()
	context, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		_, err := x.call(context, "/nacre.Echo/Wait", nil)
		ended <- err
	}()
	x.awaitCalls(2)
	cancel()
	err := <-ended
	check(status.Code(err) == codes.Canceled, err)
	check(x.awaitCalls(1).Cancelled == before.Cancelled+1, "not cancelled")
}

func cancelStream(x echo) {
	context, cancel := context.WithCancel(context.Background())
	x.many(context, 1_000, mib).receive()
	cancel()
	check(x.awaitCalls(1).Unsent == 0, "something waits to be sent")
}

func slowReader(x echo) {
	many := x.many(soon(), 300, 65_536)
	many.receive()
	check(x.awaitCalls(2).Unsent > 0, "nothing waits")
	echoStream(x, []int{0, 1_000, mib})
	many.expect(299, 65_536)
}

func gzip(echo) {
	x := dial(gzipAddress, grpc.WithDefaultCallOptions(grpc.UseCompressor("gzip")))
	defer x.connection.Close()
	echoSizes(x, []int{0, 100, mib, 10 * mib})
	echoStream(x, []int{100, mib})
}

func metadataBound(x echo) {
	with := func(size int) error {
		context := metadata.AppendToOutgoingContext(soon(), "x", strings.Repeat("y", size))
		_, err := x.call(context, "/nacre.Echo/Unary", nil)
		return err
	}
	must(with(8_000))
	check(with(20_000) != nil, "20 kB")
	x.unary([]byte("next"))
}

func leave(echo) {
	x := dial(plain)
	defer x.connection.Close()
	stream := x.stream(soon(), "Stream")
	stream.send([]byte("1"))
	check(string(stream.receive()) == "1", "before")
	first := x.seen().Connection
	before := atOnce(x, 40)
	left := make(chan error)
	go func() {
		_, err := x.call(soon(), "/nacre.Echo/Leave", nil)
		left <- err
	}()
	meanwhile := atOnce(x, 40)
	must(<-left)
	for _, calls := range []*sync.WaitGroup{before, meanwhile, atOnce(x, 40)} {
		calls.Wait()
	}
	check(x.seen().Connection != first, "the connection is the same")
	stream.send([]byte("2"))
	check(string(stream.receive()) == "2", "the stream goes on")
	must(stream.CloseSend())
	stream.expectEnd()
}

func pings(echo) {
	// One asks for signs of life, the other has none to give unless it is asked.
	asking := dial(pingsAddress, grpc.WithKeepaliveParams(keepalive.ClientParameters{
		Time: 10 * time.Second, Timeout: 5 * time.Second})) // not less than 10 s, as it has it
	silent := dial(pingsAddress)
	context, cancel := context.WithCancel(context.Background())
	var before []int
	for _, x := range []echo{asking, silent} {
		defer x.connection.Close()
		before = append(before, x.seen().Connection)
		x.stream(context, "Wait")
	}
	time.Sleep(11 * time.Second) // for pings, which the caller counts
	for i, x := range []echo{asking, silent} {
		check(x.awaitCalls(2).Connection == before[i], "another connection")
	}
	cancel()
}

func overTLS(echo) {
	trust, err := credentials.NewClientTLSFromFile(authority, "")
	must(err)
	x := dial(tlsAddress, grpc.WithTransportCredentials(trust))
	defer x.connection.Close()
	echoSizes(x, sizesOfMessages)
	echoStream(x, sizesOfMessages)
}

func run(name string, test func(echo), x echo) {
	defer func() {
		if failure := recover(); failure != nil {
			fmt.Println("failed", name+":", strings.ReplaceAll(fmt.Sprint(failure), "\n", " "))
		} else {
			fmt.Println("passed", name)
		}
	}()
	test(x)
}

func main() {
	for i, x := range []*string{&plain, &gzipAddress, &pingsAddress, &tlsAddress, &authority, &node} {
		*x = os.Args[i+1]
	}
	encoding.RegisterCodec(raw{})
	x := dial(plain)
	defer x.connection.Close()
	run("sizes", sizes, x)
	run("too_large", tooLarge, x)
	run("stream", bothWays, x)
	run("server_stream", serverStream, x)
	run("client_stream", clientStream, x)
	run("many_calls", manyCalls, x)
	run("failures", failures, x)
	run("unknown", unknown, x)
	run("deadline", deadline, x)
	run("cancel", cancel, x)
	run("cancel_stream", cancelStream, x)
	run("slow_reader", slowReader, x)
	run("gzip", gzip, x)
	run("metadata", metadataBound, x)
	run("leave", leave, x)
	run("pings", pings, x)
	run("tls", overTLS, x)
}
