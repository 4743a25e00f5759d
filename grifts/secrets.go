package grifts

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gobuffalo/grift/grift"

	"github.com/latchkey/latchkey/config"
)

func generateSecret(*grift.Context) error {
	_, err := fmt.Println(config.NewSecret())
	return err
}

// rotateSecret needs neither the database nor the other settings.
func rotateSecret(c *grift.Context) error {
	if len(c.Args) > 0 {
		return errors.New("secret:rotate takes no arguments")
	}
	return rotate(os.Stdout, config.RotateSecret)
}

func rotate(out io.Writer, change func(path string) (int, error)) error {
	older, err := change(config.EnvFile)
	if errors.Is(err, config.ErrSecretGiven) {
		return errors.Join(explainRotation(out), fmt.Errorf("%w: %s is as it was; put the secret above where SESSION_SECRET is set", err, config.EnvFile))
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, rotated, config.EnvFile, older, plural(older, "secret"))
	return err
}

// rotated is what to do after the file was changed.
const rotated = `A fresh secret stands in front of SESSION_SECRET in %s, and %d older %s behind it.

1. Restart the app. Nobody is signed out: cookies that an older secret signed
   are signed anew as they come.
2. Take the older ones out, and restart again, when SESSION_REMEMBER_LIFETIME
   has passed (720h unless you set it). Tokens that they signed end then:
   their users make new ones.

If SESSION_SECRET is also exported to the environment of the app, change it
there too: the environment wins over the file.
`

// explainRotation prints a fresh secret and what to do with it. The older ones
// are nobody's to see, and a terminal's to remember.
func explainRotation(out io.Writer) error {
	_, err := fmt.Fprintf(out, given, config.NewSecret())
	return err
}

// given is what to do where the environment gives the secret.
const given = `%s

1. Put this secret, and a comma, in front of what SESSION_SECRET holds, where
   the environment of the app is kept: SESSION_SECRET=this,older
2. Restart every instance, at once: one that does not know the secret yet takes
   cookies signed by it for nobody's. Nobody is signed out: cookies that an
   older secret signed are signed anew as they come.
3. Take the older ones out, and restart again, when SESSION_REMEMBER_LIFETIME
   has passed (720h unless you set it). Tokens that they signed end then:
   their users make new ones.
`

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}
