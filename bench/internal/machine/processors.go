package machine

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Busy returns the CPU time that the machine's processors have worked, or were kept from
// working by the host they run on.
func Busy() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseBusy(string(text))
}

// parseBusy reads the first line of /proc/stat, as proc_stat(5) describes it: ticks of user,
// nice, system, idle, iowait, irq, softirq and steal. The tick is 10 ms on every Linux.
func parseBusy(text string) (time.Duration, error) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, errors.New("/proc/stat does not begin with the sum of the processors")
	}
	var busy time.Duration
	for i, field := range fields[1:9] {
		ticks, err := strconv.ParseUint(field, 10, 62)
		if err != nil {
			return 0, fmt.Errorf("/proc/stat, field %d: not a number", i+1)
		}
		if idle := i == 3 || i == 4; !idle {
			busy += time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	return busy, nil
}

// Processor returns the name of the processors.
func Processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimLeft(strings.TrimSpace(name), ": \t")
		}
	}
	return "unknown processor"
}
