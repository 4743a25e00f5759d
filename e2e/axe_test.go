package e2e

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
)

// axeCore checks pages for accessibility problems. See its README.
//
//go:embed testdata/axe-core/axe.min.js
var axeCore string

// axeRun checks the open page, with options of axe.run. The API viewer is third-party
// code and excluded.
const axeRun = `axe.run({ exclude: ["openapi-explorer"] }, { resultTypes: ["violations"], preload: false, %s }).then(found => found.violations)`

const (
	everyRule = ``
	// contrast is the only rule that depends on the colors.
	contrast = `runOnly: ["color-contrast"]`
)

// wantAccessible checks the open page with axe-core. The page's content security policy
// does not apply to scripts that the debugger evaluates.
func (b *browser) wantAccessible(options string) {
	b.t.Helper()
	if !evaluate[bool](b, `"axe" in window`) {
		evaluate[bool](b, axeCore+`; true`)
	}
	violations, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]violation](fmt.Sprintf(axeRun, options), chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, v := range violations {
		b.t.Errorf("%s: %s", evaluate[string](b, `location.href`), v)
	}
}

// violation is an axe-core rule that a page breaks.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML           string
		FailureSummary string
	}
}

func (v violation) String() string {
	text := fmt.Sprintf("%s (%s): %s", v.ID, v.Impact, v.Help)
	for _, node := range v.Nodes {
		text += "\n\t" + node.HTML + "\n\t\t" + strings.ReplaceAll(node.FailureSummary, "\n", "\n\t\t")
	}
	return text
}
