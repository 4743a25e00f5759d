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

func rotateSecret(*grift.Context) error { return rotate(os.Stdout, config.RotateSecret) }

func rotate(out io.Writer, change func(path string) (older int, err error)) error {
	older, err := change(config.EnvFile)
	if errors.Is(err, config.ErrSecretGiven) {
		_, printErr := fmt.Fprintf(out, rotateByHand, config.NewSecret())
		return errors.Join(printErr, fmt.Errorf("%w; %s was not changed; put the secret above where SESSION_SECRET is set", err, config.EnvFile))
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, rotated, config.EnvFile, count(older, "older secret"))
	return err
}

// rotated says what to do after the file was changed.
const rotated = `SESSION_SECRET in %s now starts with a new secret, followed by %s.

1. Restart the app. Nobody is signed out: the app replaces cookies signed with an
   older secret when it next sees them.
2. After SESSION_REMEMBER_LIFETIME (720h unless you set it), remove the older
   secrets and restart again. Access tokens signed with them stop working then;
   their users have to create new ones.

If SESSION_SECRET is also set in the environment of the app, change it there too:
the environment overrides the file.
`

// rotateByHand says what to do if the environment sets the secret. It leaves out the
// older secrets, because terminals keep their output.
const rotateByHand = `%s

1. Put this secret and a comma in front of the value of SESSION_SECRET, where the
   app's environment is configured: SESSION_SECRET=new,older
2. Restart every instance at once: an instance without the new secret treats
   cookies signed with it as anonymous. Nobody is signed out: the app replaces
   cookies signed with an older secret when it next sees them.
3. After SESSION_REMEMBER_LIFETIME (720h unless you set it), remove the older
   secrets and restart again. Access tokens signed with them stop working then;
   their users have to create new ones.
`

// count returns a number and a noun, in the singular or plural.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
