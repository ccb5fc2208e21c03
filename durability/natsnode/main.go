// Command natsnode is a NATS server as its own program, run as "natsnode -c <file>": the node of a
// cluster that can be killed.
package main

import (
	"flag"
	"log"
	"os"

	"github.com/nats-io/nats-server/v2/server"
)

func main() {
	nothing := func() {}
	options, err := server.ConfigureOptions(flag.NewFlagSet("natsnode", flag.ExitOnError), os.Args[1:], nothing, nothing, nothing)
	if err != nil {
		log.Fatal(err)
	}
	node, err := server.NewServer(options)
	if err != nil {
		log.Fatal(err)
	}
	node.ConfigureLogger()
	if err := server.Run(node); err != nil {
		log.Fatal(err)
	}
	node.WaitForShutdown()
}
