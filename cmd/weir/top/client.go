package top

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/weir-go/weir/exporter/live"
)

const (
	// quiet is how long a stream may say nothing: it has something every second.
	quiet = 10 * time.Second
	// maxEvent is the largest event that is taken. One of 3,000 objects has 4 MB.
	maxEvent = 64 << 20
	// maxAnswer is how much is read of an answer that is an error.
	maxAnswer = 4 << 10
)

// client reads the live data of a program.
type client struct {
	base   *url.URL // where the page is mounted
	user   *url.Userinfo
	header http.Header
	http   *http.Client
	quiet  time.Duration
}

// newClient takes what a person would type: localhost:8080 as well as the address of
// the page.
func newClient(address string, header http.Header, insecure bool) (*client, error) {
	full := address
	if !strings.Contains(address, "://") {
		full = "http://" + address
	}
	base, err := url.Parse(full)
	if err != nil || base.Hostname() == "" || base.Opaque != "" {
		return nil, fmt.Errorf("%q is not an address, such as localhost:8080 or http://host:8080%s", address, live.Path)
	}
	if base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("%q: want http:// or https://, not %s://", address, base.Scheme)
	}
	base.RawQuery, base.Fragment = "", ""
	if base.Path == "" || base.Path == "/" {
		base.Path = live.Path
	}
	if !strings.HasSuffix(base.Path, "/") {
		base.Path += "/"
	}
	c := &client{base: base, user: base.User, header: header, quiet: quiet}
	base.User = nil // not to be printed
	c.http = &http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: quiet}).DialContext,
		TLSHandshakeTimeout:   quiet,
		ResponseHeaderTimeout: quiet,
		TLSClientConfig:       &tls.Config{InsecureSkipVerify: insecure},
	}}
	return c, nil
}

// get asks for a file beside the page. Its error says what is wrong in one line.
func (c *client) get(ctx context.Context, file, kind string) (*http.Response, error) {
	target, err := c.base.Parse(file)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	for name, values := range c.header {
		request.Header[name] = values
	}
	if c.user != nil {
		password, _ := c.user.Password()
		request.SetBasicAuth(c.user.Username(), password)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.unreachable(err)
	}
	if got, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); response.StatusCode == http.StatusOK && got == kind {
		return response, nil
	}
	defer func() { _ = response.Body.Close() }()
	return nil, c.refused(response)
}

// unreachable says why there was no answer.
func (c *client) unreachable(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	var untrusted *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &untrusted):
		var name x509.HostnameError
		if errors.As(err, &name) {
			return fmt.Errorf("the certificate of %s is for another host: %w", c.base.Host, name)
		}
		return fmt.Errorf("the certificate of %s is not trusted: %w (--insecure looks all the same)", c.base.Host, untrusted.Err)
	case errors.As(err, &header), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("%s does not speak TLS: try http://%[1]s", c.base.Host)
	}
	return fmt.Errorf("cannot reach %s: %w", c.base.Host, err)
}

// refused says what an answer means that is not what was asked for.
func (c *client) refused(response *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	text, _, _ := strings.Cut(clean(string(body)), "\n")
	switch {
	case response.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("%s asks who you are: weir top http://USER:PASSWORD@%[1]s, or --header", c.base.Host)
	case strings.Contains(text, "HTTP request to an HTTPS server"):
		return fmt.Errorf("%s speaks TLS: try https://%[1]s", c.base.Host)
	case strings.HasPrefix(text, "weir: "):
		return fmt.Errorf("%s answers: %s", c.base.Host, strings.TrimPrefix(text, "weir: "))
	}
	return fmt.Errorf("%s has no live page of weir: it answers %s; does the program mount it?", c.base, response.Status)
}

// errEnded is a stream that was closed, or went silent.
var errEnded = errors.New("the stream ended")

// event is one of a stream: everything, or what changed since the one before.
type event struct {
	update bool
	live.Snapshot
}

// take brings what is known up to date.
func (e event) take(now *live.Snapshot) {
	if e.update && now.Version != 0 {
		now.Apply(e.Snapshot)
		return
	}
	*now = e.Snapshot
}

// follow calls got with each event until ctx is done or the stream ends.
func (c *client) follow(ctx context.Context, got func(event)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	response, err := c.get(ctx, "events", "text/event-stream")
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	// A program that is stopped, or a network that is gone, closes nothing.
	watch := time.AfterFunc(c.quiet, func() { cancel(fmt.Errorf("%s has said nothing for %v", c.base.Host, c.quiet)) })
	defer watch.Stop()
	in := bufio.NewReader(response.Body)
	for {
		name, data, err := readEvent(in)
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.base.Host, err)
		}
		watch.Reset(c.quiet)
		if name != "snapshot" && name != "update" {
			continue // from a later version
		}
		s, err := decode(data)
		if err != nil {
			return fmt.Errorf("%s: %w", c.base.Host, err)
		}
		got(event{name == "update", s})
	}
}

// decode reads a document, if it is one of this version.
func decode(data []byte) (s live.Snapshot, err error) {
	var head struct{ Version int }
	if err := json.Unmarshal(data, &head); err != nil {
		return s, fmt.Errorf("this is not what a live page of weir sends: %w", err)
	}
	switch {
	case head.Version > live.Version:
		return s, fmt.Errorf("the program speaks version %d and this command version %d: install a newer weir", head.Version, live.Version)
	case head.Version < live.Version:
		return s, fmt.Errorf("the program speaks version %d and this command version %d: it was built with an older weir", head.Version, live.Version)
	}
	err = json.Unmarshal(data, &s)
	return s, err
}

// readEvent reads an event of a stream.
func readEvent(in *bufio.Reader) (name string, data []byte, err error) {
	for {
		line, err := readLine(in, maxEvent-len(data))
		if err != nil {
			return "", nil, err
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "" && len(data) > 0:
			return name, data, nil
		case line == "":
			name = ""
		case field == "event":
			name = value
		case field == "data":
			data = append(data, value...)
		}
	}
}

// readLine reads a line of at most so many bytes.
func readLine(in *bufio.Reader, limit int) (string, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > limit:
			return "", fmt.Errorf("an event has more than %d MB", maxEvent>>20)
		case err == nil:
			return strings.TrimRight(string(line), "\r\n"), nil
		case errors.Is(err, io.EOF):
			return "", errEnded
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", fmt.Errorf("%w: %w", errEnded, err)
		}
	}
}

// detail asks for everything about one object.
func (c *client) detail(ctx context.Context, kind, name string) (live.Object, error) {
	ctx, cancel := context.WithTimeout(ctx, c.quiet)
	defer cancel()
	response, err := c.get(ctx, "snapshot?"+url.Values{"kind": {kind}, "name": {name}}.Encode(), "application/json")
	if err != nil {
		return live.Object{}, err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxEvent))
	if err != nil {
		return live.Object{}, err
	}
	s, err := decode(data)
	if err != nil {
		return live.Object{}, err
	}
	if len(s.Objects) != 1 || s.Objects[0].Detail == nil || s.Objects[0].History == nil || s.Objects[0].Made == nil {
		return live.Object{}, fmt.Errorf("%s does not tell more about %s", c.base.Host, clean(name))
	}
	return s.Objects[0], nil
}
