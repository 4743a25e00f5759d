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

const pluginSource = storePackage + "/" + pluginBinary + "@"

var (
	pluginEntry   = regexp.MustCompile(`(?m)^\s*binary\s*=\s*["']` + pluginBinary + `["']`)
	pluginVersion = regexp.MustCompile(regexp.QuoteMeta(pluginSource) + `[^"'\s]+`)
)

// addPlugin lists the plugin, so that the buffalo command calls it.
func (p *planner) addPlugin() error {
	text, exists, err := p.app.ReadFile(pluginFile)
	if err != nil {
		return fmt.Errorf("read the list of plugins: %w", err)
	}
	switch {
	case !exists: // buffalo then takes all plugins that are installed
		p.Next = append(p.Next, "go install "+pluginSource+p.opts.Version+"    # for: buffalo sessions list")
	case !pluginEntry.MatchString(text):
		p.change(pluginFile, text, withPlugin(text, p.opts.Version), true)
		p.Next = append(p.Next, "buffalo plugins install    # for: buffalo sessions list")
	case p.opts.Version != Latest:
		p.change(pluginFile, text, pluginVersion.ReplaceAllLiteralString(text, pluginSource+p.opts.Version), true)
	}
	return nil
}

func withPlugin(text, version string) string {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if text != "" {
		text += "\n"
	}
	return text + fmt.Sprintf("[[plugin]]\n  binary = %q\n  go_get = %q\n", pluginBinary, pluginSource+version)
}
