package jetstream

import (
	"errors"
	"fmt"
	"sync"
)

// serverLog passes on what a server warns of. The rest is of no use to who runs no NATS.
type serverLog struct {
	warn func(string)

	mu    sync.Mutex
	fatal string
}

// Fatalf doesn't end the process, as the server expects of a logger: Start returns all the same.
func (l *serverLog) Fatalf(format string, v ...any) {
	message := fmt.Sprintf(format, v...)
	l.mu.Lock()
	l.fatal = message
	l.mu.Unlock()
}

// reason returns the error for which the server didn't start.
func (l *serverLog) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fatal == "" {
		return errors.New("the server didn't start")
	}
	return errors.New(l.fatal)
}

func (l *serverLog) Errorf(format string, v ...any) { l.Warnf(format, v...) }

func (l *serverLog) Warnf(format string, v ...any) {
	if l.warn != nil {
		l.warn(fmt.Sprintf(format, v...))
	}
}

func (*serverLog) Noticef(string, ...any) {}
func (*serverLog) Debugf(string, ...any)  {}
func (*serverLog) Tracef(string, ...any)  {}
