package command

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/buffaloapp"
	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/gomod"
)

// settings are the flags of latchkey.
type settings struct {
	root      string
	yes       bool
	dryRun    bool
	undo      bool
	userKey   string
	keepCSRF  bool
	adoptDays int
	noAdopt   bool
	store     string
	newSecret bool
	skipBuild bool
}

func parse(args []string, out io.Writer) (settings, error) {
	set := settings{root: "."}
	flags := flag.NewFlagSet("latchkey", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.BoolVar(&set.yes, "yes", false, "apply the changes without asking")
	flags.BoolVar(&set.dryRun, "dry-run", false, "show the changes and stop")
	flags.BoolVar(&set.undo, "undo", false, "take back what earlier runs changed")
	flags.StringVar(&set.userKey, "user-key", "", "the session value that holds the user's `ID`, such as current_user_id")
	flags.BoolVar(&set.keepCSRF, "keep-csrf", false, "keep the app's csrf middleware, which stores a session for every visitor")
	flags.IntVar(&set.adoptDays, "adopt-days", 30, "how many `days` users who are signed in with the old cookie stay signed in")
	flags.BoolVar(&set.noAdopt, "no-adopt", false, "sign out all users who are signed in with the old cookie")
	flags.BoolVar(&set.newSecret, "new-secret", false, "add SESSION_SECRET to a .env without one; it overrides the environment")
	flags.StringVar(&set.store, "store", "", "use the store's source in this `folder`, by a replace directive")
	flags.BoolVar(&set.skipBuild, "skip-build", false, "do not build the app afterwards")
	if err := flags.Parse(args); err != nil {
		return set, err
	}
	if flags.NArg() > 0 {
		return set, fmt.Errorf("unexpected argument %q: run the command with --help to see its flags", flags.Arg(0))
	}
	if set.adoptDays < 0 {
		return set, errors.New("--adopt-days must not be negative: use --no-adopt to sign all users out")
	}
	set.noAdopt = set.noAdopt || set.adoptDays == 0
	return set, nil
}

// version is the published version that this program was built from, or nothing.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Path != buffaloapp.StoreModule || info.Main.Sum == "" {
		return ""
	}
	return info.Main.Version
}

// target is what go.mod has to require: the version of this program, or its
// source.
func target(store string) (gomod.Target, error) {
	t := gomod.Target{Module: buffaloapp.StoreModule, Packages: []string{
		buffaloapp.StoreModule, buffaloapp.StoreModule + "/sessionmw", buffaloapp.StoreModule + "/sessiontask",
	}}
	if store == "" {
		if t.Version = version(); t.Version != "" {
			return t, nil
		}
		store = sourceFolder()
	}
	if store == "" {
		return t, errors.New("this program was built from source that is gone, so its version is unknown: name the folder of the session store with --store")
	}
	if !filepath.IsAbs(store) && !strings.HasPrefix(store, ".") {
		store = "./" + store
	}
	t.Dir = filepath.ToSlash(store)
	return t, nil
}

// sourceFolder is the folder of the module that this file was compiled in.
func sourceFolder() string {
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		return ""
	}
	dir := filepath.Dir(file)
	for range 3 { // internal/command, internal, buffalo-latchkey
		dir = filepath.Dir(dir)
	}
	if exists(filepath.Join(dir, "go.mod")) {
		return dir
	}
	return ""
}
