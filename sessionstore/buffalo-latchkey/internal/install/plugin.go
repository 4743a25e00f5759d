package install

import (
	"fmt"
	"regexp"
	"strings"
)

const (
	pluginFile   = "config/buffalo-plugins.toml"
	pluginBinary = "buffalo-latchkey"
)

var pluginEntry = regexp.MustCompile(`(?m)^\s*binary\s*=\s*["']` + pluginBinary + `["']`)

// addPlugin lists the plugin, so that the buffalo command calls it.
func (p *planner) addPlugin() error {
	text, exists, err := p.app.ReadFile(pluginFile)
	if err != nil {
		return fmt.Errorf("read the list of plugins: %w", err)
	}
	if !exists {
		p.note("The app has no %s, so the buffalo command looks for %s in $GOPATH/bin.", pluginFile, pluginBinary)
		return nil
	}
	if pluginEntry.MatchString(text) {
		return nil
	}
	after := text
	if after != "" && !strings.HasSuffix(after, "\n") {
		after += "\n"
	}
	if after != "" {
		after += "\n"
	}
	after += fmt.Sprintf("[[plugin]]\n  binary = %q\n  go_get = %q\n", pluginBinary, storePackage+"/"+pluginBinary+"@"+p.opts.Version)
	p.change(pluginFile, text, after, true)
	return nil
}
