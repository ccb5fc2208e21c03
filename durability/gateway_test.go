package durability

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// token is what publishers show. It is in the gateways' environment.
const token = "publishers-show-this-token"

// gateway is the real binary with a configuration and folders of its own. It runs, or is down.
type gateway struct {
	*process
	t       *testing.T
	program string
	dir     string
	site    string // the address at which it publishes
	name    string

	// before is a command that runs the gateway's, and within what the process is to be given besides. Most
	// need neither.
	before []string
	within func(*syscall.SysProcAttr)
}

// newGateway returns a gateway that is down. Options are further lines of the block outbound.
func newGateway(t *testing.T, name, journal string, options ...string) *gateway {
	t.Helper()
	g := &gateway{t: t, program: buildPrograms(t).hookseal, dir: t.TempDir(), site: loopback(freePort(t)), name: name}
	caddyfile := fmt.Sprintf(`{
	admin %s
	persist_config off
	storage file_system %s
	storage_check off
	storage_clean_interval off
	skip_install_trust
	auto_https off
	log default {
		output stderr
		level WARN
	}
	webhook_gateway {
		outbound {
			journal nats {
				%s
			}
			allow_http
			allow_net 127.0.0.0/8
			schedule %s
			%s
		}
	}
}
http://%s {
	webhook_publish {
		token {env.PUBLISH_TOKEN}
	}
}
`, loopback(freePort(t)), filepath.Join(g.dir, "storage"), journal, schedule, strings.Join(options, "\n\t\t\t"), g.site)
	if err := os.WriteFile(filepath.Join(g.dir, "Caddyfile"), []byte(caddyfile), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() && g.process != nil {
			t.Log(g.lastWords())
		}
	})
	return g
}

// schedule has so many attempts that no subscriber of ours, who refuses at random, refuses them all.
var schedule = "0s 50ms 100ms 200ms 300ms 500ms" + strings.Repeat(" 1s", 58)

// begin starts the gateway, which is not ready then.
func (g *gateway) begin() {
	g.t.Helper()
	attributes := dependent()
	if g.within != nil {
		g.within(attributes)
	}
	command := append(slices.Clip(g.before), g.program, "run", "--config", filepath.Join(g.dir, "Caddyfile"))
	g.process = startProcess(g.t, g.name, filepath.Join(g.dir, "log"), attributes, []string{
		"HOME=" + g.dir, "XDG_DATA_HOME=" + g.dir, "XDG_CONFIG_HOME=" + g.dir, "PUBLISH_TOKEN=" + token, "PATH=" + os.Getenv("PATH"),
	}, command[0], command[1:]...)
}

// start starts the gateway and returns when it is ready.
func (g *gateway) start() {
	g.t.Helper()
	g.begin()
	eventually(g.t, g.name+" is ready", func() bool { return !g.running() || g.ready() })
	if !g.running() {
		g.t.FailNow() // it was told why
	}
}

// ready reports whether the gateway has its journal.
func (g *gateway) ready() bool {
	answer, err := prober.Get("http://" + g.site + "/api/v1/health")
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusNoContent
}
