package e2e

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
)

// axeCore looks for what keeps people from using a page. See its README.
//
//go:embed testdata/axe-core/axe.min.js
var axeCore string

// axeRun asks it about the page that is open, with options of axe.run. The viewer of
// the API's document is not ours to mend.
const axeRun = `axe.run({ exclude: ["openapi-explorer"] }, { resultTypes: ["violations"], preload: false, %s }).then(found => found.violations)`

const (
	everyRule = ``
	// contrast is the only rule that the colours are about.
	contrast = `runOnly: ["color-contrast"]`
)

// wantAccessible fails the test when the page that is open breaks a rule. What is
// evaluated from outside is under no policy.
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

// violation is a rule of axe-core that a page breaks.
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
