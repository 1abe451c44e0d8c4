// Command stdio-launcher exposes the standard input and output of a command on a TCP address: each connection is a
// process. It runs as process 1 of a container whose image has neither a shell nor Python.
//
//	stdio-launcher --listen 127.0.0.1:9470 [--max 100] -- COMMAND ARGUMENT...
//	stdio-launcher install TARGET
//
// The first line of a connection is {"session": "<id>"}; all later bytes are the process's standard input, and the bytes
// back its standard output. When the process exits, the launcher writes {"exit": CODE} on a line of its own and closes
// the connection. When the connection closes, the process group gets SIGTERM, then SIGKILL. Standard error becomes JSON
// lines with the session, bounded in length and rate.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// defaultMax is the default of ENV_UPSTREAM_MAX_PROCESSES in the bridge; the launcher's limit only guards against others.
const defaultMax = 10000

func main() {
	if len(os.Args) == 3 && os.Args[1] == "install" {
		if err := install(os.Args[2]); err != nil {
			fail(err)
		}
		return
	}
	listen := flag.String("listen", "127.0.0.1:9470", "address of the TCP listener")
	most := flag.Int("max", defaultMax, "most processes")
	grace := flag.Duration("grace", 2*time.Second, "time between SIGTERM and SIGKILL")
	flag.Parse()
	if flag.NArg() == 0 {
		fail(errors.New("no command; use: stdio-launcher --listen 127.0.0.1:9470 -- COMMAND ARGUMENT..."))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		fail(err)
	}
	logger := newLogger(os.Stderr)
	logger.write("INFO", "listening on "+listener.Addr().String(), nil)
	launcher := &launcher{command: flag.Args(), grace: *grace, slots: make(chan struct{}, *most), log: logger}
	launcher.serve(ctx, listener)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "stdio-launcher:", err)
	os.Exit(1)
}

// install copies this program, for an init container that shares a volume with the server's container.
func install(target string) error {
	source, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer source.Close()
	partial, err := os.CreateTemp(filepath.Dir(target), ".stdio-launcher-*")
	if err != nil {
		return err
	}
	defer os.Remove(partial.Name())
	if _, err = io.Copy(partial, source); err != nil {
		return err
	}
	if err = errors.Join(partial.Chmod(0o755), partial.Close()); err != nil {
		return err
	}
	return os.Rename(partial.Name(), target)
}

type launcher struct {
	command []string
	grace   time.Duration
	slots   chan struct{}
	log     *logger
}

// serve accepts connections until ctx ends, then ends all processes and returns.
func (l *launcher) serve(ctx context.Context, listener net.Listener) {
	reaper := startReaper()
	defer reaper.stop()
	go func() {
		<-ctx.Done()
		listener.Close()
	}()
	var sessions sync.WaitGroup
	for {
		connection, err := listener.Accept()
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			l.log.write("ERROR", err.Error(), nil)
			time.Sleep(100 * time.Millisecond) // too many open files
			continue
		}
		select {
		case l.slots <- struct{}{}:
			sessions.Add(1)
			go func() {
				defer func() { <-l.slots; sessions.Done() }()
				l.session(ctx, connection, reaper)
			}()
		default:
			l.log.write("WARNING", fmt.Sprintf("rejected a connection: %d processes run (--max)", cap(l.slots)), nil)
			connection.Close()
		}
	}
	sessions.Wait()
}
