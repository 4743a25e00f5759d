//go:build unix

package config

import (
	"os"
	"syscall"
	"testing"

	"github.com/latchkey/latchkey/sessionstore/testdb/testproc"
)

// TestRotate_KeepsOwner checks that the file keeps its owner when root rotates.
func TestRotate_KeepsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		testproc.Missing(t, "config: root, to change the owner of a file")
	}
	path := envFileWith(t, "SESSION_SECRET="+goodSecret+"\n")
	const uid, gid = 12345, 54321
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
	if _, err := rotate(path, "", NewSecret()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Uid != uid || stat.Gid != gid {
		t.Errorf("the owner is %+v, want %d and %d", info.Sys(), uid, gid)
	}
}
