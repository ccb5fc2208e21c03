package durability

import "syscall"

// dependent makes a process that dies with us, however we end, and that an interrupt from the terminal
// does not reach: its test stops it.
func dependent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
