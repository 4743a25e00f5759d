package actions

import (
	"strings"

	"github.com/mileusna/useragent"

	"github.com/latchkey/latchkey/internal/text"
)

// device is what a browser reports about itself. Unknown parts are "".
type device struct {
	Browser string `json:"browser"` // with its major version
	System  string `json:"system"`
	Device  string `json:"device"`

	name string // the browser without its version
}

// The values of device.Device.
const (
	deviceComputer = "computer"
	devicePhone    = "phone"
	deviceTablet   = "tablet"
	deviceBot      = "bot"
	deviceOther    = "other"
)

// maxBrowserName is longer than any browser's name, in bytes.
const maxBrowserName = 40

// deviceOf reads a User-Agent header. Clients can send anything in it.
func deviceOf(userAgent string) device {
	ua := useragent.Parse(text.Clean(userAgent))
	if len(ua.Name) > maxBrowserName {
		ua.Name = "" // the parser took the whole text for a name
	}
	d := device{System: ua.OS, Device: deviceOther, name: ua.Name}
	switch {
	case ua.Bot:
		d.Device = deviceBot
	case ua.Tablet:
		d.Device = deviceTablet
	case ua.Mobile:
		d.Device = devicePhone
	case ua.Desktop:
		d.Device = deviceComputer
	case ua.Name != "" && ua.OS == "": // such as curl
		d.Device = deviceBot
	}
	version, _, _ := strings.Cut(ua.Version, ".")
	d.Browser = strings.TrimSpace(ua.Name + " " + version)
	return d
}

// self lets templates pass anything that has a device.
func (d device) self() device { return d }

// kindOfDevice returns the device without its browser's version. A sign-in from
// another kind of device is notable.
func (d device) kindOfDevice() string {
	return strings.TrimSpace(d.name + " / " + d.System + " / " + d.Device)
}
