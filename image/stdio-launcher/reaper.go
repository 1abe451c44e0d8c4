package main

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// reaper collects every process that ends: those of the sessions, and orphans, which the kernel hands to process 1.
type reaper struct {
	mutex   sync.Mutex
	waiting map[int]chan syscall.WaitStatus
	signals chan os.Signal
}

func startReaper() *reaper {
	r := &reaper{waiting: map[int]chan syscall.WaitStatus{}, signals: make(chan os.Signal, 1)}
	signal.Notify(r.signals, syscall.SIGCHLD)
	go func() {
		for range r.signals {
			r.collect()
		}
	}()
	return r
}

func (r *reaper) stop() {
	signal.Stop(r.signals)
	r.collect()
}

// start runs fork and returns the pid and the channel that gets its exit status. The lock keeps the reaper from collecting
// a process that ends before its pid is known.
func (r *reaper) start(fork func() (int, error)) (int, <-chan syscall.WaitStatus, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	pid, err := fork()
	if err != nil {
		return 0, nil, err
	}
	done := make(chan syscall.WaitStatus, 1)
	r.waiting[pid] = done
	return pid, done, nil
}

func (r *reaper) collect() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if pid <= 0 {
			return
		}
		if done, found := r.waiting[pid]; found {
			delete(r.waiting, pid)
			done <- status
		}
	}
}
