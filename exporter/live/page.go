package live

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"net/http"
	"sync"
)

//go:embed page
var pageFiles embed.FS

// pageScripts are the scripts of the page in the order in which they are put together.
var pageScripts = []string{"numbers.js", "model.js", "draw.js", "table.js", "detail.js", "main.js"}

// page is the one file that a browser gets, and the policy that goes with it: it
// runs the script that is in it, and talks to nobody but where it came from.
var page = sync.OnceValues(func() (body []byte, policy string) {
	var script []byte
	for _, name := range pageScripts {
		script = append(script, pageFile(name)...)
	}
	style := pageFile("style.css")
	body = bytes.Replace(pageFile("index.html"), []byte("/*style*/"), style, 1)
	body = bytes.Replace(body, []byte("/*script*/"), script, 1)
	return body, fmt.Sprintf("default-src 'none'; script-src %s; style-src %s; img-src data:; connect-src 'self'; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
		hashOf(script), hashOf(style))
})

func pageFile(name string) []byte {
	b, err := pageFiles.ReadFile("page/" + name)
	if err != nil {
		panic("weir: " + err.Error()) // it is embedded
	}
	return b
}

// hashOf is how a policy allows what is inline, and nothing else that is.
func hashOf(inline []byte) string {
	sum := sha256.Sum256(inline)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func servePage(w http.ResponseWriter) {
	body, policy := page()
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(body)
}
