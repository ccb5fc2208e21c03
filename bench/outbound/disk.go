package main

import (
	"os"
	"time"
)

// syncRate returns how many records of a size one writer can append to a file in a folder within a
// second, each synced to the disk before the next.
func syncRate(dir string, size int, during time.Duration) (float64, error) {
	file, err := os.CreateTemp(dir, "limit-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	record := make([]byte, size)
	start := time.Now()
	for n := 1; ; n++ {
		if _, err := file.Write(record); err != nil {
			return 0, err
		}
		if err := file.Sync(); err != nil {
			return 0, err
		}
		if took := time.Since(start); took >= during {
			return float64(n) / took.Seconds(), nil
		}
	}
}
