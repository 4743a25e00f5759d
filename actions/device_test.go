package actions

import "testing"

func TestDeviceOf(t *testing.T) {
	for agent, want := range map[string][4]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                  {"Firefox 140", "Linux", "computer", "Firefox / Linux / computer"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1": {"Safari 18", "iOS", "phone", "Safari / iOS / phone"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0":           {"Edge 131", "Windows", "computer", "Edge / Windows / computer"},
		"Mozilla/5.0 (iPad; CPU OS 16_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.5 Mobile/15E148 Safari/604.1":          {"Safari 16", "iOS", "tablet", "Safari / iOS / tablet"},
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)":                                                                {"Googlebot 2", "", "bot", "Googlebot /  / bot"},
		"curl/8.5.0": {"curl 8", "", "bot", "curl /  / bot"},
		"":           {"", "", "other", "/  / other"},
		"\x00<b>":    {"<b>", "", "bot", "<b> /  / bot"},
	} {
		d := deviceOf(agent)
		if got := [4]string{d.Browser, d.System, d.Device, d.kindOfDevice()}; got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}
