package actions

import (
	"strings"
	"unicode"

	"github.com/mileusna/useragent"
)

// device is what a browser says of itself, in words; "" where it does not say.
type device struct {
	Browser string `json:"browser"` // with its main version
	System  string `json:"system"`
	Device  string `json:"device"` // computer, phone, tablet, bot or other

	name string // the browser without its version
}

// deviceOf reads User-Agent. It is what a client claims, and proves nothing.
func deviceOf(userAgent string) device {
	ua := useragent.Parse(strings.Map(printable, userAgent))
	if len(ua.Name) > longestName {
		ua.Name = "" // it took the whole for one
	}
	d := device{System: ua.OS, Device: "other", name: ua.Name}
	switch {
	case ua.Bot:
		d.Device = "bot"
	case ua.Tablet:
		d.Device = "tablet"
	case ua.Mobile:
		d.Device = "phone"
	case ua.Desktop:
		d.Device = "computer"
	case ua.Name != "" && ua.OS == "": // curl and its like
		d.Device = "bot"
	}
	version, _, _ := strings.Cut(ua.Version, ".")
	d.Browser = strings.TrimSpace(ua.Name + " " + version)
	return d
}

// self is the device of what has one.
func (d device) self() device { return d }

// longestName is more than the name of any browser has, in bytes.
const longestName = 40

func printable(c rune) rune {
	if unicode.IsControl(c) {
		return -1
	}
	return c
}

// kindOfDevice is the same for a browser of any version: what makes a device new.
func (d device) kindOfDevice() string {
	return strings.TrimSpace(d.name + " / " + d.System + " / " + d.Device)
}
