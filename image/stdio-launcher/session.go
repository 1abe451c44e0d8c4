package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"
)

const (
	// headBytes is the longest first line; a session id has 32 characters.
	headBytes = 4096
	// headTime is the longest wait for the first line.
	headTime = 5 * time.Second
	// notStarted is the exit code of a command that does not start. Source: POSIX shell, "Exit Status for Commands".
	notStarted = 127
	// killTime is the longest wait for the end of a killed process group.
	killTime = time.Second
	// drainTime is the longest wait for output that is still in the pipe when the process has exited.
	drainTime = time.Second
)

// session runs one process from the first line of its connection to the end of its process group.
func (l *launcher) session(ctx context.Context, connection net.Conn, reaper *reaper) {
	defer connection.Close()
	reader := bufio.NewReaderSize(connection, headBytes)
	id, err := sessionID(connection, reader)
	if err != nil {
		l.log.write("WARNING", "rejected a connection: "+err.Error(), nil)
		return
	}
	process, exited, err := start(l.command, reaper)
	if err != nil {
		l.log.write("ERROR", "the command does not start: "+err.Error(), &id)
		fmt.Fprintf(connection, "{\"exit\": %d}\n", notStarted)
		return
	}
	defer process.closePipes()
	logged := make(chan struct{})
	go func() { defer close(logged); l.log.follow(process.stderr, id) }()
	copied := make(chan struct{})
	go func() { defer close(copied); io.Copy(connection, process.stdout) }()
	closed := make(chan struct{})
	go func() { defer close(closed); io.Copy(process.stdin, reader); process.stdin.Close() }()

	select {
	case status := <-exited:
		l.end(process, nil)
		waitFor(copied, drainTime)
		code := exitCode(status)
		l.log.write("INFO", fmt.Sprintf("the process exited with code %d", code), &id)
		connection.SetWriteDeadline(time.Now().Add(drainTime))
		fmt.Fprintf(connection, "\n{\"exit\": %d}\n", code)
	case <-closed:
		l.end(process, exited)
	case <-ctx.Done():
		l.end(process, exited)
	}
	process.stderr.Close()
	waitFor(logged, drainTime)
}

func waitFor(done <-chan struct{}, most time.Duration) {
	select {
	case <-done:
	case <-time.After(most):
	}
}

func sessionID(connection net.Conn, reader *bufio.Reader) (string, error) {
	connection.SetReadDeadline(time.Now().Add(headTime))
	defer connection.SetReadDeadline(time.Time{})
	line, err := reader.ReadSlice('\n')
	if err != nil {
		return "", fmt.Errorf("no first line: %w", err)
	}
	var head struct {
		Session string `json:"session"`
	}
	if err := json.Unmarshal(line, &head); err != nil || head.Session == "" {
		return "", errors.New(`the first line is not {"session": "<id>"}`)
	}
	return head.Session, nil
}

type process struct {
	pid                   int
	stdin, stdout, stderr *os.File
}

// start runs the command in a process group of its own. It does not use os/exec's Cmd, whose Wait competes with the reaper.
func start(command []string, reaper *reaper) (*process, <-chan syscall.WaitStatus, error) {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return nil, nil, err
	}
	files := make([]*os.File, 0, 6)
	closeAll := func() {
		for _, file := range files {
			file.Close()
		}
	}
	for range 3 {
		reading, writing, err := os.Pipe()
		if err != nil {
			closeAll()
			return nil, nil, err
		}
		files = append(files, reading, writing)
	}
	inside := []uintptr{files[0].Fd(), files[3].Fd(), files[5].Fd()}
	pid, exited, err := reaper.start(func() (int, error) {
		return syscall.ForkExec(path, command, &syscall.ProcAttr{
			Env: os.Environ(), Files: inside, Sys: &syscall.SysProcAttr{Setpgid: true},
		})
	})
	if err != nil {
		closeAll()
		return nil, nil, err
	}
	for _, index := range []int{0, 3, 5} {
		files[index].Close()
	}
	return &process{pid: pid, stdin: files[1], stdout: files[2], stderr: files[4]}, exited, nil
}

func (p *process) closePipes() {
	p.stdin.Close()
	p.stdout.Close()
	p.stderr.Close()
}

// end ends the process group: SIGTERM, then SIGKILL after the grace period. exited is nil if its leader has exited.
func (l *launcher) end(process *process, exited <-chan syscall.WaitStatus) {
	syscall.Kill(-process.pid, syscall.SIGTERM)
	deadline := time.Now().Add(l.grace)
	if exited != nil {
		select {
		case <-exited:
		case <-time.After(l.grace):
		}
	}
	if !groupEnds(process.pid, deadline) {
		syscall.Kill(-process.pid, syscall.SIGKILL)
		groupEnds(process.pid, time.Now().Add(killTime))
	}
}

// groupEnds waits until the group has no process; zombies count until the reaper has collected them.
func groupEnds(pid int, deadline time.Time) bool {
	for syscall.Kill(-pid, 0) == nil {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(10 * time.Millisecond)
	}
	return true
}

func exitCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
