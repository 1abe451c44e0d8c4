package main

import (
	"bufio"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"time"
)

const (
	// lineBytes is the longest text of one line in the log; the rest of the line is dropped.
	lineBytes = 2000
	// sessionLines is the limit of one session in lines per second, totalLines that of all sessions.
	sessionLines = 20
	totalLines   = 200
)

// logger writes JSON lines with the keys of the runtime's log.
type logger struct {
	mutex  sync.Mutex
	target io.Writer
	total  budget
}

func newLogger(target io.Writer) *logger {
	return &logger{target: target, total: budget{limit: totalLines}}
}

type record struct {
	Timestamp string  `json:"timestamp"`
	Level     string  `json:"level"`
	Logger    string  `json:"logger"`
	Message   string  `json:"message"`
	Session   *string `json:"session,omitempty"`
	LeftOut   int     `json:"left_out,omitempty"`
}

func (l *logger) write(level, message string, session *string) {
	l.writeRecord(level, message, session, 0)
}

func (l *logger) writeRecord(level, message string, session *string, leftOut int) {
	line, err := json.Marshal(record{
		Timestamp: time.Now().UTC().Format("2006-01-02T15:04:05.000+00:00"),
		Level:     level, Logger: "stdio-launcher", Message: message, Session: session, LeftOut: leftOut,
	})
	if err != nil {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.target.Write(append(line, '\n'))
}

// follow logs the lines of one process's standard error; it reads on beyond the limits, so that the process never blocks.
func (l *logger) follow(source io.Reader, session string) {
	reader := bufio.NewReaderSize(source, lineBytes)
	own, leftOut := budget{limit: sessionLines}, 0
	for {
		line, isPrefix, err := reader.ReadLine()
		if err != nil {
			return
		}
		text := strings.ToValidUTF8(string(line), "\uFFFD")
		for isPrefix && err == nil {
			_, isPrefix, err = reader.ReadLine()
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		if !own.take() || !l.takeTotal() {
			leftOut++
			continue
		}
		l.writeRecord("INFO", text, &session, leftOut)
		leftOut = 0
	}
}

func (l *logger) takeTotal() bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.total.take()
}

// budget counts lines in the current second.
type budget struct {
	limit, lines int
	second       int64
}

func (b *budget) take() bool {
	if now := time.Now().Unix(); now != b.second {
		b.second, b.lines = now, 0
	}
	b.lines++
	return b.lines <= b.limit
}
