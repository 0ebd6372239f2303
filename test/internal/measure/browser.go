package measure

import (
	"errors"
	"os/exec"
)

// Chromium is the path of this machine's.
func Chromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no Chromium: `make node` installs it, or says what to install")
}
