// Package cpu reads how long processes ran on processors. Unlike the time that
// passes, it hardly depends on what else the machine does. Linux only.
package cpu

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

// Clocks of clock_gettime(2).
const (
	own       = 2 // CLOCK_PROCESS_CPUTIME_ID
	scheduled = 2 // CPUCLOCK_SCHED, for the clock of another process
)

// Self returns the processor time of this process.
func Self() time.Duration {
	d, err := read(own)
	if err != nil {
		panic(err) // this clock always exists
	}
	return d
}

// Of returns the processor time that a running process used so far, its ended
// threads included (clock_getcpuclockid(3)).
func Of(pid int) (time.Duration, error) { return read(uintptr(^pid<<3 | scheduled)) }

func read(clock uintptr) (time.Duration, error) {
	var t syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, uintptr(int32(clock)), uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		return 0, fmt.Errorf("read the processor time: %w", errno)
	}
	return time.Duration(t.Nano()), nil
}
