package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

type output struct {
	mutex sync.Mutex
	bytes bytes.Buffer
}

func (o *output) Write(text []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.bytes.Write(text)
}

func (o *output) String() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.bytes.String()
}

// launched serves the shell script until the test ends; stop ends it earlier.
func launched(t *testing.T, most int, script string) (address string, log *output, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log = &output{}
	ctx, cancel := context.WithCancel(context.Background())
	l := &launcher{
		command: []string{"sh", "-c", script}, grace: 300 * time.Millisecond, slots: make(chan struct{}, most), log: newLogger(log),
	}
	done := make(chan struct{})
	go func() { defer close(done); l.serve(ctx, listener) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return listener.Addr().String(), log, stop
}

func dial(t *testing.T, address, session string) (net.Conn, *bufio.Reader) {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	connection.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(connection, "{\"session\": %q}\n", session)
	return connection, bufio.NewReader(connection)
}

func line(t *testing.T, reader *bufio.Reader) string {
	t.Helper()
	text, err := reader.ReadString('\n')
	if err != nil {
		t.Fatalf("after %q: %v", text, err)
	}
	return strings.TrimSuffix(text, "\n")
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

func TestEachConnectionIsAProcessOfItsOwn(t *testing.T) {
	address, _, _ := launched(t, 10, `echo $$; cat`)
	first, one := dial(t, address, "a")
	_, two := dial(t, address, "b")
	if line(t, one) == line(t, two) {
		t.Fatal("one process for both")
	}
	fmt.Fprintln(first, "ping")
	if got := line(t, one); got != "ping" {
		t.Fatal(got)
	}
}

func TestExitCodeEndsTheConnection(t *testing.T) {
	address, _, _ := launched(t, 10, `printf partial; exit 3`)
	_, reader := dial(t, address, "a")
	if got := line(t, reader); got != "partial" {
		t.Fatal(got)
	}
	if got := line(t, reader); got != `{"exit": 3}` {
		t.Fatal(got)
	}
	if _, err := reader.ReadString('\n'); err == nil {
		t.Fatal("the connection is open")
	}
}

func TestTheWholeGroupEndsWithTheConnection(t *testing.T) {
	address, _, _ := launched(t, 10, `trap "" TERM; (trap "" TERM; echo $$; sleep 60) & sleep 60`)
	connection, reader := dial(t, address, "a")
	group, err := strconv.Atoi(line(t, reader))
	if err != nil {
		t.Fatal(err)
	}
	connection.Close()
	eventually(t, "the group lives", func() bool { return syscall.Kill(-group, 0) != nil })
}

func TestStopEndsAllProcesses(t *testing.T) {
	address, _, stop := launched(t, 10, `echo $$; sleep 60`)
	_, reader := dial(t, address, "a")
	group, _ := strconv.Atoi(line(t, reader))
	stop()
	eventually(t, "the group lives", func() bool { return syscall.Kill(-group, 0) != nil })
}

func TestBeyondTheMaximumTheConnectionCloses(t *testing.T) {
	address, log, _ := launched(t, 1, `echo up; cat`)
	_, one := dial(t, address, "a")
	line(t, one)
	_, two := dial(t, address, "b")
	if _, err := two.ReadString('\n'); err == nil {
		t.Fatal("a second process")
	}
	eventually(t, "not logged", func() bool { return strings.Contains(log.String(), "1 processes run") })
}

func TestStandardErrorIsBoundedAndNamesTheSession(t *testing.T) {
	address, log, _ := launched(t, 10, `i=0; while [ $i -lt 2000 ]; do echo "line $i" >&2; i=$((i+1)); done; exit 0`)
	_, reader := dial(t, address, "abc")
	eventually(t, "no exit", func() bool { text, err := reader.ReadString('\n'); return err != nil || strings.Contains(text, "exit") })
	eventually(t, "not logged", func() bool { return strings.Contains(log.String(), "exited with code 0") })
	lines := strings.Count(log.String(), `"session":"abc"`)
	if lines < 2 || lines > 200 {
		t.Fatalf("%d lines", lines)
	}
}

func TestAFirstLineWithoutASessionIsRejected(t *testing.T) {
	address, _, _ := launched(t, 10, `echo up`)
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintln(connection, "GET / HTTP/1.1")
	connection.SetReadDeadline(time.Now().Add(5 * time.Second))
	if text, err := bufio.NewReader(connection).ReadString('\n'); err == nil {
		t.Fatal(text)
	}
}

func TestInstallCopiesAnExecutable(t *testing.T) {
	target := filepath.Join(t.TempDir(), "stdio-launcher")
	if err := install(target); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(target)
	if err != nil || info.Mode().Perm() != 0o755 || info.Size() == 0 {
		t.Fatal(info, err)
	}
}
