package actions

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"

	"github.com/latchkey/latchkey/public"
)

// assetVersions maps a file's path under public to a part of its hash.
var assetVersions = hashAssets(public.FS())

func hashAssets(files fs.FS) map[string]string {
	versions := make(map[string]string)
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		versions[path] = hex.EncodeToString(sum[:8])
		return nil
	})
	if err != nil {
		panic("read embedded files: " + err.Error())
	}
	return versions
}

// assetPath returns the address of a file, which changes with its content, so
// that browsers may keep it for ever.
func assetPath(name string) string {
	return "/assets/" + name + "?v=" + assetVersions["assets/"+name]
}

// serveAssets serves the embedded files, and no listings; what is not there is
// for next to answer.
func serveAssets(next http.Handler) http.Handler {
	files := http.FileServerFS(public.FS())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		version, ok := assetVersions[r.URL.Path[1:]]
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("ETag", `"`+version+`"`)
		w.Header().Set("Cache-Control", "no-cache")
		if r.URL.Query().Get("v") == version {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		files.ServeHTTP(w, r)
	})
}
