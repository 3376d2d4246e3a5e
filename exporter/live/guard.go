package live

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// protect sets what keeps other sites away from what is served here: they can
// neither embed it, nor read it, nor learn that somebody came from here.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

// refuse returns why a request is not answered, and the status for it; 0 if it is.
func (c *config) refuse(r *http.Request) (status int, why string) {
	switch {
	case !c.knows(r):
		return http.StatusForbidden, "this is not reached as " + printable(r.Host) + "; name that host in live.WithHosts if it should be"
	case !c.ownOrigin(r):
		return http.StatusForbidden, "other sites may not look here"
	case c.authorize != nil && !c.authorize(r):
		return http.StatusUnauthorized, "not authorized"
	}
	return 0, ""
}

// knows reports whether a request names a host that is this one. A browser that was
// told by somebody's name server that their name is 127.0.0.1 names theirs.
func (c *config) knows(r *http.Request) bool {
	host := hostOf(r.Host)
	if isAddress(host) || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	if len(c.hosts) == 0 {
		return !onLoopback(r)
	}
	return slices.ContainsFunc(c.hosts, func(known string) bool { return strings.EqualFold(known, host) })
}

// onLoopback reports whether the request came in on a loopback address, or where
// that cannot be known. A Unix socket is not one: no browser can be sent there.
func onLoopback(r *http.Request) bool {
	switch local := r.Context().Value(http.LocalAddrContextKey).(type) {
	case *net.TCPAddr:
		return local.IP.IsLoopback()
	case *net.UnixAddr:
		return false
	}
	return true
}

// hostOf returns a host without its port, brackets and final dot, in lower case.
func hostOf(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// isAddress: who names an address was not led here by a name.
func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// ownOrigin reports whether a request comes from a page of our own, from no page at
// all, or is somebody following a link to here.
func (c *config) ownOrigin(r *http.Request) bool {
	if origins := r.Header.Values("Origin"); len(origins) > 0 {
		origin, err := url.Parse(origins[0])
		if err != nil || len(origins) > 1 || origin.Host == "" || !strings.EqualFold(origin.Host, r.Host) {
			return false
		}
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	}
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// printable keeps what a header of a stranger's may say to a log or a terminal.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), 100)]
}
