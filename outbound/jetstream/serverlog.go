package jetstream

import (
	"fmt"
	"sync"
)

// serverLog passes on what a server warns of. The rest is of no use to who runs no NATS.
type serverLog struct {
	warn func(string)

	mu     sync.Mutex
	reason error
}

// Fatalf doesn't end the process, as the server expects of its log, but Start returns after it all
// the same.
func (l *serverLog) Fatalf(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reason == nil {
		l.reason = fmt.Errorf(format, v...)
	}
}

// fatal returns why the server can't go on, if so.
func (l *serverLog) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reason
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
