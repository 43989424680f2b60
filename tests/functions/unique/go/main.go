package main

import (
	"bytes"
	cryptorand "crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand"
	randv2 "math/rand/v2"
	"net/http"
	"os"
	"time"
)

var (
	own     = rand.New(rand.NewSource(time.Now().UnixNano()))
	renewed *randv2.Rand
	seen    = generation()
)

func generation() uint64 {
	page, err := os.ReadFile("/run/thaw/generation")
	if err != nil {
		panic(err)
	}
	return binary.LittleEndian.Uint64(page[8:])
}

// The cure for one's own generators: a new one when the generation is another.
func newGenerator() *randv2.Rand {
	var seed [32]byte
	cryptorand.Read(seed[:])
	return randv2.New(randv2.NewChaCha8(seed))
}

func draw() map[string]string {
	if now := generation(); now != seen || renewed == nil {
		seen, renewed = now, newGenerator()
	}
	secret := make([]byte, 16)
	cryptorand.Read(secret)
	return map[string]string{
		"crypto/rand.Read": hex.EncodeToString(secret),
		"crypto/rand.Text": cryptorand.Text(),
		"math/rand/v2.New, made again at a new generation": fmt.Sprint(renewed.Uint64()),
		"yours: math/rand":              fmt.Sprint(rand.Uint64()),
		"yours: math/rand/v2":           fmt.Sprint(randv2.Uint64()),
		"yours: a rand.Rand of one's own": fmt.Sprint(own.Uint64()),
	}
}

func main() {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	draw()
	for {
		next, err := http.Get(api + "next")
		if err != nil {
			panic(err)
		}
		var event struct{ HoldMs int }
		json.NewDecoder(next.Body).Decode(&event)
		next.Body.Close()
		values := draw()
		time.Sleep(time.Duration(event.HoldMs) * time.Millisecond)
		answer, _ := json.Marshal(map[string]any{"clone": fmt.Sprint(generation()), "values": values})
		posted, err := http.Post(api+next.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "application/json", bytes.NewReader(answer))
		if err != nil {
			panic(err)
		}
		posted.Body.Close()
	}
}
