package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/hookseal/hookseal/bench/internal/figure"
	"github.com/hookseal/hookseal/bench/internal/machine"
)

// report is the outcome of a run, in the form of its JSON file.
type report struct {
	Conditions conditions   `json:"conditions"`
	Sizes      []sizeReport `json:"sizes"`

	plan *plan
}

// conditions are what the figures depend on.
type conditions struct {
	Seed        uint64 `json:"seed"`
	Rounds      int    `json:"rounds"`
	Connections int    `json:"connections"`
	GOGC        string `json:"gogc"`
	Go          string `json:"go"`
	Platform    string `json:"platform"`
	Processor   string `json:"processor"`
	CPUs        int    `json:"cpus"`
}

// sizeReport is the comparison at one body size.
type sizeReport struct {
	BodyBytes       int     `json:"body_bytes"`
	RequestsPerTurn int     `json:"requests_per_turn"`
	RatePerSecond   float64 `json:"rate_per_second"`
	// OthersShare is the part of the machine's processors that anything but this comparison took
	// during the rounds. It should be near 0.
	OthersShare float64 `json:"others_share"`
	Rows        []row   `json:"rows"`
}

// row is one contender's part of it. Times are in microseconds, memory in bytes.
type row struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	// CPU is the CPU time of the gateway's process for one delivery.
	CPU figure.Spread `json:"cpu_us"`
	// Ratio is that of CPU times to plain Caddy's in the same round.
	Ratio figure.Spread `json:"ratio"`
	// CPURounds holds the value of each round.
	CPURounds []float64 `json:"cpu_us_rounds"`
	// P50 and P99 are latencies at the fixed rate, absent when none was measured.
	P50         *float64     `json:"p50_us,omitempty"`
	P99         *float64     `json:"p99_us,omitempty"`
	Resident    int64        `json:"resident_bytes"`
	Peak        int64        `json:"peak_resident_bytes"`
	Allocations *allocations `json:"allocations_per_delivery,omitempty"`
}

func newReport(p *plan) *report {
	return &report{plan: p, Conditions: conditions{
		Seed: p.seed, Rounds: p.rounds, Connections: p.connections, GOGC: p.gogc,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Processor: machine.Processor(), CPUs: runtime.NumCPU(),
	}}
}

// add takes what a rig has measured.
func (r *report) add(rig *rig) {
	s := sizeReport{
		BodyBytes:       int(rig.size),
		RequestsPerTurn: r.plan.requestsFor(rig.size),
		RatePerSecond:   r.plan.rateFor(rig.size),
		OthersShare:     rig.othersShare,
	}
	base := microseconds(rig.measurements[0].cpu)
	for i, m := range rig.measurements {
		c := r.plan.contenders[i]
		cpu := microseconds(m.cpu)
		out := row{
			Name: c.name, Title: c.title,
			CPU: figure.SpreadOf(cpu), Ratio: figure.SpreadOf(figure.PairedRatios(cpu, base)), CPURounds: cpu,
			Resident: m.resident, Peak: m.peak, Allocations: m.allocations,
		}
		if latencies := microseconds(m.latencies); len(latencies) > 0 {
			out.P50 = new(figure.Quantile(latencies, 0.50))
			out.P99 = new(figure.Quantile(latencies, 0.99))
		}
		s.Rows = append(s.Rows, out)
	}
	r.Sizes = append(r.Sizes, s)
}

func (r *report) writeConditions(w io.Writer) {
	c := r.Conditions
	fmt.Fprintf(w, "%d rounds, seed %d, %d connections, GOGC=%s, %s %s, %d × %s.\n",
		c.Rounds, c.Seed, c.Connections, c.GOGC, c.Go, c.Platform, c.CPUs, c.Processor)
}

// writeSize writes the i-th comparison as a Markdown table.
func (r *report) writeSize(w io.Writer, i int) {
	s := r.Sizes[i]
	fmt.Fprintf(w, "\n### Bodies of %v\n\n%d deliveries a turn; other processes took %.0f %% of the CPUs.", byteSize(s.BodyBytes), s.RequestsPerTurn, 100*s.OthersShare)
	if r.plan.rateTurns > 0 {
		fmt.Fprintf(w, " Latency at %.0f deliveries a second.", s.RatePerSecond)
	}
	fmt.Fprint(w, "\n\n")
	columns := []string{"", "CPU of a delivery", "ratio to plain (quartiles)", "p50", "p99", "resident", "peak"}
	if r.plan.profiles != "" {
		columns = append(columns, "allocations", "allocated")
	}
	figure.WriteHeader(w, columns...)
	for _, out := range s.Rows {
		cells := []string{
			out.Title,
			fmt.Sprintf("%.0f µs", out.CPU.Median), ratioText(out.Ratio),
			latencyText(out.P50), latencyText(out.P99),
			mebibyteText(out.Resident), mebibyteText(out.Peak),
		}
		if a := out.Allocations; a != nil {
			cells = append(cells, fmt.Sprintf("%.1f", a.Objects), fmt.Sprintf("%.0f B", a.Bytes))
		}
		figure.WriteRow(w, cells...)
	}
}

// writeSummary writes the ratios of all sizes in one table.
func (r *report) writeSummary(w io.Writer) {
	fmt.Fprint(w, "\n### CPU time of a delivery\n\nPlain Caddy's, and the median of the others' paired ratios to it (quartiles).\n\n")
	header := []string{""}
	for _, s := range r.Sizes {
		header = append(header, byteSize(s.BodyBytes).String())
	}
	figure.WriteHeader(w, header...)
	for i, c := range r.plan.contenders {
		cells := []string{c.title}
		for _, s := range r.Sizes {
			if i == 0 {
				cells = append(cells, fmt.Sprintf("%.0f µs", s.Rows[i].CPU.Median))
			} else {
				cells = append(cells, ratioText(s.Rows[i].Ratio))
			}
		}
		figure.WriteRow(w, cells...)
	}
}

func (r *report) writeJSON(path string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

func ratioText(s figure.Spread) string {
	return fmt.Sprintf("%.3f (%.3f–%.3f)", s.Median, s.Quartile1, s.Quartile3)
}

func latencyText(us *float64) string {
	if us == nil {
		return "–"
	}
	return fmt.Sprintf("%.2f ms", *us/1000)
}

func mebibyteText(n int64) string {
	return fmt.Sprintf("%.0f MiB", float64(n)/float64(mebibyte))
}

func microseconds(durations []time.Duration) []float64 {
	var out []float64
	for _, d := range durations {
		out = append(out, float64(d.Nanoseconds())/1000)
	}
	return out
}
