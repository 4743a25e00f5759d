package actions

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gobuffalo/buffalo"
)

// The plots' measures, in units of their drawing.
const (
	chartWidth  = 720
	chartHeight = 160
	barGap      = 4
	// maxSeries is how many colours there are; the last is for all others.
	maxSeries = 6
)

// chart is a plot of stacked bars, one for each hour, and the same as a table.
type chart struct {
	ID, Title, Summary string
	Total, Max         int
	Width, Height      int
	Bars               []chartBar
	Series             []chartSeries
	Rows               []chartRow
}

type chartBar struct{ X, Y, Width, Height, Series int }

// chartSeries is one colour of a plot.
type chartSeries struct {
	Name   string
	Number int
	Total  int
}

// chartRow is an hour in which something happened.
type chartRow struct {
	Hour   string // when it began, RFC 3339
	UTC    string // the same for people
	Values []int
}

// chartsOf draws the figures.
func (a *app) chartsOf(c buffalo.Context, f figures) []chart {
	return []chart{
		a.chartOf(c, "signins", f.Hours, func(h hours) map[string]int { return h.SignIns }),
		a.chartOf(c, "failures", f.Hours, func(h hours) map[string]int {
			if h.Failures == 0 {
				return nil
			}
			return map[string]int{"failures": h.Failures}
		}),
		a.chartOf(c, "ends", f.Hours, func(h hours) map[string]int { return h.Ends }),
	}
}

// chartOf draws what values says of each hour.
func (a *app) chartOf(c buffalo.Context, id string, all []hours, values func(hours) map[string]int) chart {
	plot := chart{ID: id, Title: a.pages.texts.Translate(c, "admin.chart."+id), Width: chartWidth, Height: chartHeight}
	totals := map[string]int{}
	for _, h := range all {
		sum := 0
		for name, n := range values(h) {
			totals[name] += n
			sum += n
		}
		plot.Total += sum
		plot.Max = max(plot.Max, sum)
	}
	names := slices.SortedFunc(maps.Keys(totals), func(x, y string) int {
		return cmp.Or(totals[y]-totals[x], strings.Compare(x, y))
	})
	for i, name := range names {
		if i >= maxSeries {
			plot.Series[maxSeries-1].Total += totals[name]
			plot.Series[maxSeries-1].Name = a.pages.texts.Translate(c, "admin.chart.other")
			continue
		}
		plot.Series = append(plot.Series, chartSeries{a.seriesName(c, id, name), i, totals[name]})
	}
	for i, h := range all {
		plot.addHour(i, len(all), h, names, values(h))
	}
	plot.Summary = a.pages.texts.Translate(c, "admin.chart.summary", struct{ Total, Max string }{a.pages.number(c, plot.Total), a.pages.number(c, plot.Max)})
	return plot
}

// seriesName says in words what one colour stands for.
func (a *app) seriesName(c buffalo.Context, chart, name string) string {
	switch {
	case chart == "failures":
		return a.pages.texts.Translate(c, "admin.chart.failed")
	case chart == "signins":
		return a.pages.methodName(c, name)
	}
	return a.pages.texts.Translate(c, "cause."+name)
}

// addHour stacks what happened in the hour i of n.
func (p *chart) addHour(i, n int, h hours, names []string, values map[string]int) {
	if len(values) == 0 {
		return
	}
	step := p.Width / n
	row := chartRow{Hour: h.Hour, Values: make([]int, len(p.Series))}
	top := p.Height
	for k, name := range names {
		series := min(k, maxSeries-1)
		row.Values[series] += values[name]
		height := values[name] * p.Height / p.Max
		if values[name] > 0 {
			height = max(height, 2) // to be seen at all
		}
		top -= height
		p.Bars = append(p.Bars, chartBar{i * step, max(top, 0), step - barGap, height, series})
	}
	if begin, err := time.Parse(time.RFC3339, h.Hour); err == nil {
		row.UTC = begin.UTC().Format("15:04 UTC")
	}
	p.Rows = append(p.Rows, row)
}
