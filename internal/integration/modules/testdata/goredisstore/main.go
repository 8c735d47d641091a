// A program with a client of go-redis.
package main

import (
	"fmt"
	"log"

	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store/redisstore/goredisstore"
)

func main() {
	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{"localhost:6379"}})
	records, err := goredisstore.New(client, goredisstore.Options{})
	if err != nil {
		log.Fatal(err)
	}
	_, err = cloakroom.New(records, cloakroom.Options{})
	fmt.Println("made:", err == nil)
}
