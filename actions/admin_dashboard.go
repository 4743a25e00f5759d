package actions

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/internal/web"
)

// showDashboard shows statistics.
func (a *app) showDashboard(c buffalo.Context) error {
	stats, err := a.statistics.get(c.Request().Context())
	if err != nil {
		return err
	}
	if !web.PrefersHTML(c.Request()) {
		return a.pages.json(c, http.StatusOK, stats)
	}
	c.Set("statistics", stats)
	c.Set("charts", a.pages.charts(c, stats))
	return a.pages.show(c, "admin.plush.html", "admin.title")
}

// The size of a chart, in units of its drawing.
const (
	chartWidth  = 720
	chartHeight = 160
	barGap      = 4
	// minBarHeight keeps small bars visible.
	minBarHeight = 2
	// maxSeries is the number of colors. The last one is for all other series.
	maxSeries = 6
)

// chart has one stacked bar for each hour, and the same numbers as a table.
type chart struct {
	ID, Title, Summary string
	Total, Max         int
	Width, Height      int
	Bars               []chartBar
	Series             []chartSeries
	Rows               []chartRow
}

type chartBar struct{ X, Y, Width, Height, Series int }

// chartSeries is one color of a chart.
type chartSeries struct {
	Name   string
	Number int
	Total  int
}

// chartRow is an hour in which something happened.
type chartRow struct {
	Hour   string // when it started (RFC 3339)
	UTC    string // the same, without the date
	Values []int
}

// A chartSource says what a chart shows.
type chartSource struct {
	id, title string
	values    func(hourStats) map[string]int
	name      func(c buffalo.Context, series string) string
}

// charts draws the charts of the dashboard.
func (p pages) charts(c buffalo.Context, stats statistics) []chart {
	sources := []chartSource{
		{"signins", "admin.chart.signins", func(h hourStats) map[string]int { return h.SignIns }, p.methodName},
		{"failures", "admin.chart.failures", failuresOf, func(c buffalo.Context, _ string) string { return p.text(c, "admin.chart.failed") }},
		{"ends", "admin.chart.ends", func(h hourStats) map[string]int { return h.Ends }, func(c buffalo.Context, reason string) string { return p.text(c, endTexts[reason].chart) }},
	}
	var charts []chart
	for _, source := range sources {
		charts = append(charts, p.chart(c, source, stats.Hours))
	}
	return charts
}

func failuresOf(h hourStats) map[string]int {
	if h.Failures == 0 {
		return nil
	}
	return map[string]int{"failures": h.Failures}
}

// chart draws one chart. The series with the highest totals come first.
func (p pages) chart(c buffalo.Context, source chartSource, all []hourStats) chart {
	drawn := chart{ID: source.id, Title: p.text(c, source.title), Width: chartWidth, Height: chartHeight}
	totals := map[string]int{}
	for _, h := range all {
		sum := 0
		for name, n := range source.values(h) {
			totals[name] += n
			sum += n
		}
		drawn.Total += sum
		drawn.Max = max(drawn.Max, sum)
	}
	names := slices.SortedFunc(maps.Keys(totals), func(x, y string) int {
		return cmp.Or(totals[y]-totals[x], strings.Compare(x, y))
	})
	for i, name := range names {
		if i >= maxSeries {
			drawn.Series[maxSeries-1].Total += totals[name]
			drawn.Series[maxSeries-1].Name = p.text(c, "admin.chart.other")
			continue
		}
		drawn.Series = append(drawn.Series, chartSeries{source.name(c, name), i, totals[name]})
	}
	for i, h := range all {
		drawn.addHour(i, len(all), h, names, source.values(h))
	}
	drawn.Summary = p.text(c, "admin.chart.summary", struct{ Total, Max string }{p.number(c, drawn.Total), p.number(c, drawn.Max)})
	return drawn
}

// addHour draws the bar of hour i of n.
func (d *chart) addHour(i, n int, h hourStats, names []string, values map[string]int) {
	if len(values) == 0 {
		return
	}
	step := d.Width / n
	row := chartRow{Hour: h.Hour, Values: make([]int, len(d.Series))}
	top := d.Height
	for k, name := range names {
		series := min(k, maxSeries-1)
		row.Values[series] += values[name]
		height := values[name] * d.Height / d.Max
		if values[name] > 0 {
			height = max(height, minBarHeight)
		}
		top -= height
		d.Bars = append(d.Bars, chartBar{i * step, max(top, 0), step - barGap, height, series})
	}
	if start, err := time.Parse(time.RFC3339, h.Hour); err == nil {
		row.UTC = start.UTC().Format("15:04 UTC")
	}
	d.Rows = append(d.Rows, row)
}
