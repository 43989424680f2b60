package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// Goroutines, a ticker, a listener and memory of Init, checked in each clone.
func main() {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	ticks := make(chan time.Time, 1000)
	go func() {
		for tick := range time.Tick(50 * time.Millisecond) {
			select {
			case ticks <- tick:
			default:
			}
		}
	}()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "served") }))
	memory := bytes.Repeat([]byte("thaw"), 1<<20)
	for {
		next, err := http.Get(api + "next")
		if err != nil {
			panic(err)
		}
		answer := check(ticks, listener.Addr().String(), memory)
		id := next.Header.Get("Lambda-Runtime-Aws-Request-Id")
		next.Body.Close()
		posted, err := http.Post(api+id+"/response", "application/json", bytes.NewBufferString(fmt.Sprintf("%q", answer)))
		if err != nil {
			panic(err)
		}
		posted.Body.Close()
	}
}

func check(ticks chan time.Time, address string, memory []byte) string {
	for len(ticks) > 0 {
		<-ticks
	}
	select {
	case <-ticks:
	case <-time.After(5 * time.Second):
		return "the ticker stopped"
	}
	served, err := http.Get("http://" + address)
	if err != nil {
		return err.Error()
	}
	served.Body.Close()
	if !bytes.Equal(memory, bytes.Repeat([]byte("thaw"), 1<<20)) {
		return "memory changed"
	}
	return "ok"
}
