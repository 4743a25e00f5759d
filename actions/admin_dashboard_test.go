package actions

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/models"
)

// charted draws hours as the overview does.
func charted(t *testing.T, all ...hourStats) []chart {
	t.Helper()
	var charts []chart
	read(t, "en", func(p pages, c buffalo.Context) {
		charts = p.charts(c, statistics{Hours: all})
	})
	if len(charts) != 3 {
		t.Fatalf("%d charts", len(charts))
	}
	return charts
}

// The bars of an hour stand on each other, and the highest of all is as high as the
// plot.
func TestChart_Bars(t *testing.T) {
	signIns := charted(t,
		hourStats{Hour: "2026-01-31T12:00:00Z", SignIns: map[string]int{"github": 20, "google": 60}},
		hourStats{Hour: "2026-01-31T13:00:00Z", SignIns: map[string]int{}},
		hourStats{Hour: "2026-01-31T14:00:00Z", SignIns: map[string]int{"github": 160}},
		hourStats{Hour: "2026-01-31T15:00:00Z", SignIns: map[string]int{"google": 1}},
	)[0]
	if want := []chartBar{{0, 140, 176, 20, 0}, {0, 80, 176, 60, 1}, {360, 0, 176, 160, 0}, {360, 0, 176, 0, 1}, {540, 160, 176, 0, 0}, {540, 158, 176, 2, 1}}; !slices.Equal(solid(signIns.Bars), solid(want)) {
		t.Errorf("the bars are\n%v, want\n%v", solid(signIns.Bars), solid(want))
	}
	if want := []chartSeries{{"By github", 0, 180}, {"By google", 1, 61}}; !slices.Equal(signIns.Series, want) {
		t.Errorf("the series are %v, want %v", signIns.Series, want)
	}
	if got, want := fmt.Sprint(signIns.Rows), "[{2026-01-31T12:00:00Z 12:00 UTC [20 60]} {2026-01-31T14:00:00Z 14:00 UTC [160 0]} {2026-01-31T15:00:00Z 15:00 UTC [0 1]}]"; got != want {
		t.Errorf("the rows are %s, want %s", got, want)
	}
	if signIns.Total != 241 || signIns.Max != 160 || signIns.Summary != "241 in total, up to 160 in an hour." {
		t.Errorf("%d, at most %d: %q", signIns.Total, signIns.Max, signIns.Summary)
	}
}

// solid leaves out bars that nobody sees.
func solid(bars []chartBar) []chartBar {
	return slices.DeleteFunc(slices.Clone(bars), func(b chartBar) bool { return b.Height == 0 })
}

// What there is no colour for is one series, the last.
func TestChart_Others(t *testing.T) {
	methods := map[string]int{}
	for i := range 8 {
		methods[fmt.Sprint("provider", i)] = 80 - 10*i
	}
	signIns := charted(t, hourStats{Hour: "2026-01-31T12:00:00Z", SignIns: methods})[0]
	want := []chartSeries{{"By provider0", 0, 80}, {"By provider1", 1, 70}, {"By provider2", 2, 60}, {"By provider3", 3, 50}, {"By provider4", 4, 40}, {"Other", 5, 60}}
	if !slices.Equal(signIns.Series, want) {
		t.Errorf("the series are %v, want %v", signIns.Series, want)
	}
	if values := signIns.Rows[0].Values; !slices.Equal(values, []int{80, 70, 60, 50, 40, 60}) {
		t.Errorf("the row is %v", values)
	}
	if bars := signIns.Bars; len(bars) != 8 || bars[4].Series != 4 || bars[5].Series != 5 || bars[7].Series != 5 {
		t.Errorf("the bars are %v", bars)
	}
}

// A small part of a large hour is drawn all the same, and nothing above the plot.
func TestChart_SmallParts(t *testing.T) {
	ends := charted(t, hourStats{Hour: "2026-01-31T12:00:00Z", Ends: map[string]int{models.SignedOut: 1_000_000, models.RevokedByAdmin: 1, models.Expired: 1}})[2]
	for _, bar := range ends.Bars {
		if bar.Height < 2 || bar.Y < 0 {
			t.Errorf("a bar is %+v", bar)
		}
	}
	if names := []string{ends.Series[0].Name, ends.Series[1].Name}; names[0] == names[1] {
		t.Errorf("the series are called %q", names)
	}
}

func TestChart_Failures(t *testing.T) {
	failures := charted(t, hourStats{Hour: "2026-01-31T12:00:00Z", Failures: 3}, hourStats{Hour: "2026-01-31T13:00:00Z"})[1]
	if failures.Total != 3 || len(failures.Rows) != 1 || len(failures.Bars) != 1 {
		t.Errorf("%+v", failures)
	}
}

// Every hour is there, and what happened is in its own.
func TestHoursOf(t *testing.T) {
	since := time.Date(2026, time.January, 30, 14, 0, 0, 0, time.UTC)
	all := hoursOf(since, []models.EventCount{
		{Hour: "2026-01-30 14", Kind: models.SignInSucceeded, Method: "google", Events: 2},
		{Hour: "2026-01-31 13", Kind: models.SignInFailed, Method: "google", Events: 1},
		{Hour: "2026-01-31 13", Kind: models.SignInFailed, Method: "github", Events: 2},
		{Hour: "2026-01-31 13", Kind: models.SessionEnded, Detail: models.RevokedByAdmin, Events: 2, Sessions: 30},
		{Hour: "2026-01-31 13", Kind: models.SignedOut, Events: 4, Sessions: 9},
		{Hour: "2026-01-30 13", Kind: models.SignedOut, Events: 100},
		{Hour: "2026-01-31 14", Kind: models.SignedOut, Events: 100},
	})
	if len(all) != statisticsHours || all[0].Hour != "2026-01-30T14:00:00Z" || all[23].Hour != "2026-01-31T13:00:00Z" {
		t.Fatalf("%+v", all)
	}
	if all[0].SignIns["google"] != 2 || all[23].Failures != 3 || all[23].Ends[models.RevokedByAdmin] != 30 || all[23].Ends[models.SignedOut] != 4 {
		t.Errorf("%+v … %+v", all[0], all[23])
	}
	for _, h := range all[1:23] {
		if len(h.SignIns) != 0 || h.Failures != 0 || len(h.Ends) != 0 {
			t.Errorf("%+v", h)
		}
	}
}
