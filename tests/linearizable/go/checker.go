// Judges a history of reads, writes and deletes of keys by porcupine, each key on its own: whether
// there is an order of all operations, each at one moment between its call and its return, in which
// every read sees the latest write or delete before it.
//
// usage: checker HISTORY PICTURES
//
// HISTORY has an operation as JSON on each line. For some keys with no such order a picture is
// written, as PICTURES/KEY.html. What was found is told as JSON; the exit status is 0 unless the
// history could not be read.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	patience    = 60 * time.Second
	picturesMax = 10
)

// What a key has before it is written and after it is deleted.
const absent = 0

type operation struct {
	Key    string `json:"key"`
	Kind   string `json:"kind"`  // write, delete or read
	Value  int64  `json:"value"` // each is written by one write only
	Client int    `json:"client"`
	Call   int64  `json:"call"`
	// Nothing if nobody knows whether it took effect, and when.
	Return *int64 `json:"return"`
}

type verdict struct {
	Keys       int      `json:"keys"`
	Operations int      `json:"operations"`
	Judged     int      `json:"judged"` // without those that nobody saw, see `settled`
	Illegal    []string `json:"illegal"`
	Undecided  []string `json:"undecided"`
	SlowestMs  int64    `json:"slowestMs"`
}

var register = porcupine.Model{
	Init: func() interface{} { return int64(absent) },
	Step: func(state, input, output interface{}) (bool, interface{}) {
		x := input.(operation)
		if x.Kind == "read" {
			return state.(int64) == x.Value, state
		}
		return true, x.Value
	},
	DescribeOperation: func(input, output interface{}) string {
		x := input.(operation)
		if x.Return == nil {
			return fmt.Sprintf("%s %d, unknown", x.Kind, x.Value)
		}
		return fmt.Sprintf("%s %d", x.Kind, x.Value)
	},
}

// The operations of one key as porcupine wants them. One of which nobody knows the outcome may take
// effect at any later time:
//   - If no read saw what it leaves, it can as well be the last of all: it is left out.
//   - A write that was seen took effect before the first read of its value returned.
//   - All others return after everything else.
//
// This changes no verdict, and spares porcupine the search through all the places where they fit.
func settled(operations []operation) []porcupine.Operation {
	var end int64
	for _, x := range operations {
		end = max(end, x.Call)
		if x.Return != nil {
			end = max(end, *x.Return)
		}
	}
	var result []porcupine.Operation
	for _, x := range operations {
		returned := end + 1
		if x.Return != nil {
			returned = *x.Return
		} else {
			seen := false
			for _, y := range operations {
				if y.Kind != "read" || y.Value != x.Value || *y.Return < x.Call {
					continue
				}
				seen = true
				if x.Kind == "write" {
					returned = min(returned, *y.Return)
				}
			}
			if !seen {
				continue
			}
		}
		result = append(result, porcupine.Operation{
			ClientId: x.Client, Input: x, Call: x.Call, Return: returned,
		})
	}
	return result
}

func read(path string) (map[string][]operation, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	history := map[string][]operation{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var x operation
		if err := json.Unmarshal(lines.Bytes(), &x); err != nil {
			return nil, err
		}
		isKnown := x.Kind == "write" || x.Kind == "delete" || x.Kind == "read"
		if !isKnown || (x.Kind == "read" && x.Return == nil) ||
			(x.Kind == "write") != (x.Value != absent) && x.Kind != "read" {
			return nil, fmt.Errorf("no operation: %s", lines.Text())
		}
		history[x.Key] = append(history[x.Key], x)
	}
	return history, lines.Err()
}

func judge(history map[string][]operation, pictures string) (verdict, error) {
	result := verdict{Illegal: []string{}, Undecided: []string{}}
	for key, all := range history {
		operations := settled(all)
		result.Keys++
		result.Operations += len(all)
		result.Judged += len(operations)
		began := time.Now()
		outcome := porcupine.CheckOperationsTimeout(register, operations, patience)
		result.SlowestMs = max(result.SlowestMs, time.Since(began).Milliseconds())
		switch outcome {
		case porcupine.Unknown:
			result.Undecided = append(result.Undecided, key)
		case porcupine.Illegal:
			result.Illegal = append(result.Illegal, key)
			if len(result.Illegal) > picturesMax {
				continue
			}
			_, info := porcupine.CheckOperationsVerbose(register, operations, patience)
			path := filepath.Join(pictures, key+".html")
			if err := porcupine.VisualizePath(register, info, path); err != nil {
				return result, err
			}
		}
	}
	sort.Strings(result.Illegal)
	sort.Strings(result.Undecided)
	return result, nil
}

func run() error {
	if len(os.Args) != 3 {
		return fmt.Errorf("usage: checker HISTORY PICTURES")
	}
	history, err := read(os.Args[1])
	if err != nil {
		return err
	}
	result, err := judge(history, os.Args[2])
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
