package durability

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"unsafe"
)

// A gateway keeps room for what becomes of the events that it has accepted: these are still delivered and
// recorded when it has none for others.
func TestAFullDiskRefusesEventsAndLosesNone(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, 1500)
	folder := t.TempDir()
	g := newGateway(t, "gateway", "dir "+filepath.Join(folder, "journal"), "timeout 500ms")
	disk, ok := onSmallDisk(g, folder)
	if !ok {
		t.Log("nobody may mount a disk here: a server's that is full and a failing one have to stand for it")
		return
	}
	tr.lives.begin()
	g.start()
	tr.register(g.site)
	published := tr.publish(tr.all[:1000], g.site)
	tr.awaitAccepted(500)
	if err := disk.fill(48 << 20); err != nil {
		t.Fatal(err)
	}
	rest := tr.publish(tr.all[1000:], g.site)
	tr.awaitRefusals("insufficient_storage")
	tr.refuses(g.site, "insufficient_storage")
	tr.awaitDelivered()
	tr.settle(g.site)
	if err := disk.makeRoom(); err != nil {
		t.Fatal(err)
	}
	tr.awaitAll(published)
	tr.awaitAll(rest)
	tr.settle(g.site)
	t.Log(tr.audit(g.site))
}

// smallDisk is a file system in memory, which stands in the place of a folder. Only the gateway sees it.
type smallDisk struct {
	folder string
	g      *gateway
}

// onSmallDisk has a gateway find a small disk in a folder. It can't where nobody may mount anything.
func onSmallDisk(g *gateway, folder string) (disk smallDisk, ok bool) {
	const mount = `mount --make-rprivate / && mount -t tmpfs -o size=96m tmpfs "$0" && exec "$@"`
	g.before = []string{"sh", "-c", mount, folder}
	for _, g.within = range []func(*syscall.SysProcAttr){asRootOfItsOwn, asRoot} {
		probe := exec.Command(g.before[0], append(g.before[1:], "true")...)
		probe.SysProcAttr = dependent()
		g.within(probe.SysProcAttr)
		if probe.Run() == nil {
			return smallDisk{folder, g}, true
		}
	}
	return disk, false
}

// asRootOfItsOwn gives a process a world of its own, in which it is root and may mount. It ends with the
// process.
func asRootOfItsOwn(a *syscall.SysProcAttr) {
	asRoot(a)
	a.Cloneflags |= syscall.CLONE_NEWUSER
	a.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
}

// asRoot gives a process that is root already file systems of its own.
func asRoot(a *syscall.SysProcAttr) { a.Cloneflags |= syscall.CLONE_NEWNS }

func (d smallDisk) filler() string {
	return fmt.Sprintf("/proc/%d/root%s/filler", d.g.command.Process.Pid, d.folder)
}

// fill leaves so much room, in bytes.
func (d smallDisk) fill(left int64) error {
	file, err := os.Create(d.filler())
	if err != nil {
		return err
	}
	defer file.Close()
	var disk syscall.Statfs_t
	if err := syscall.Fstatfs(int(file.Fd()), &disk); err != nil {
		return err
	}
	return syscall.Fallocate(int(file.Fd()), 0, 0, int64(disk.Bavail)*disk.Bsize-left)
}

func (d smallDisk) makeRoom() error { return os.Remove(d.filler()) }

// A disk may fail whatever room there seems to be on it. What its gateway says it has accepted is on it all
// the same, and when it works again so does the gateway.
func TestAFailingDiskLosesNoEvent(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, 1500)
	g := newGateway(t, "gateway", "dir "+filepath.Join(t.TempDir(), "journal"), "timeout 500ms")
	tr.lives.begin()
	g.start()
	tr.register(g.site)
	published := tr.publish(tr.all[:1000], g.site)
	tr.awaitAccepted(500)
	const little = 64 << 10 // less than the journal's files have, and more than the log will
	if err := limitFiles(g.process, little); err != nil {
		t.Fatal(err)
	}
	rest := tr.publish(tr.all[1000:], g.site)
	tr.awaitRefusals("unavailable")
	if err := limitFiles(g.process, ^uint64(0)); err != nil {
		t.Fatal(err)
	}
	tr.awaitAll(published)
	tr.awaitAll(rest)
	tr.settle(g.site)
	g.stop()
	// While nothing could be recorded attempts were made again and again.
	tr.over(100)
	tr.lives.begin()
	g.start()
	t.Log(tr.audit(g.site))
}

// limitFiles bounds the size of all files that a process writes. Writes beyond that fail.
func limitFiles(p *process, bytes uint64) error {
	const fileSize = 1 // RLIMIT_FSIZE
	limit := syscall.Rlimit{Cur: bytes, Max: ^uint64(0)}
	_, _, failure := syscall.Syscall6(syscall.SYS_PRLIMIT64, uintptr(p.command.Process.Pid), fileSize, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if failure != 0 {
		return failure
	}
	return nil
}
