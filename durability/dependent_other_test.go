//go:build !linux

package durability

import "syscall"

func dependent() *syscall.SysProcAttr { return nil }
