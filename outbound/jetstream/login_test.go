package jetstream

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

func TestOnlyWhoMayLogInOpensTheJournal(t *testing.T) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	strangersSeed, err := stranger.Seed()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		server       func(*server.Options)
		right, wrong Cluster
	}{
		"user and password": {
			func(o *server.Options) { o.Username, o.Password = "user", "password" },
			Cluster{User: "user", Password: "password"}, Cluster{User: "user", Password: "hunter2"},
		},
		"token": {
			func(o *server.Options) { o.Authorization = "token" },
			Cluster{Token: "token"}, Cluster{Token: "hunter2"},
		},
		"NKey": {
			func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: public}} },
			Cluster{NKeySeed: string(seed)}, Cluster{NKeySeed: string(strangersSeed)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			node := startNodes(t, 1, test.server)
			test.right.URLs, test.wrong.URLs = node.urls(), node.urls()
			appended(t, opened(t, &test.right).Messages, "a")
			for _, wrong := range []Cluster{test.wrong, {URLs: node.urls()}} {
				books, err := wrong.Open(t.Context())
				if err == nil {
					books.Close()
					t.Fatal("a stranger opens the journal")
				}
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("the error holds the secret: %v", err)
				}
			}
		})
	}
}

func TestAServerIsWhomTheAuthorityVouchesFor(t *testing.T) {
	certificate, authority := certify(t)
	node := startNodes(t, 1, func(o *server.Options) {
		o.TLS = true
		o.TLSTimeout = 5
		o.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	})
	urls := []string{strings.Replace(node.urls()[0], "nats://", "tls://", 1)}
	appended(t, opened(t, &Cluster{URLs: urls, CAFile: authority}).Messages, "a")
	if books, err := (&Cluster{URLs: urls}).Open(t.Context()); err == nil {
		books.Close()
		t.Error("a server that nobody vouches for is believed")
	}
}

// certify makes a certificate for 127.0.0.1 that is its own authority, in a file.
func certify(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

func TestOpenWaitsForAClusterThatIsNotThereYet(t *testing.T) {
	node := startNodes(t, 1)
	node.stop(0)
	c := &Cluster{URLs: node.urls()}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := c.Open(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want one that is %v", err, context.DeadlineExceeded)
	}
	warned := make(chan struct{}, 1)
	c.Warn = func(string) {
		select {
		case warned <- struct{}{}:
		default:
		}
	}
	go func() {
		<-warned
		node.start(0)
	}()
	appended(t, opened(t, c).Messages, "a")
}

func TestAServerThatIsTooOldIsRefused(t *testing.T) {
	for version, old := range map[string]bool{"2.10.29": true, "1.99.0": true, "": true, "2.11.0": false, "2.15.2": false, "3.0.0-beta": false} {
		if err := oldServer(version); (err != nil) != old {
			t.Errorf("version %q: error %v", version, err)
		}
	}
}
