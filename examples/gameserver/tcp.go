package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"sync"
	"time"
)

const (
	// playersPerAddress stays below the ports that a client may take, about 28,000
	// for each address of a server.
	playersPerAddress = 25_000
	// otherFiles is what the process needs besides two for each player.
	otherFiles = 100
)

// The answers to an order, one byte each.
const (
	yes = iota
	unavailable
	timedOut
)

var answers = [...]error{yes: nil, unavailable: errUnavailable, timedOut: errTimedOut}

// wire is an order as it travels: fixed size, so that it can be read as it is.
type wire struct {
	Due    int64
	Number uint32
	Sum    uint32
	DX, DY int8
}

var wireSize = binary.Size(wire{})

// tcp is the server behind loopback addresses. A player sends 8 bytes, the id, and
// gets the token; then orders, and gets one byte for each. It leaves by hanging up.
type tcp struct {
	game      *game
	listeners []net.Listener
	serving   sync.WaitGroup
}

func openTCP(ctx context.Context, g *game) (transport, error) {
	t := &tcp{game: g}
	for n := range addresses(g.cfg.players) {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.%d:0", n+1))
		if err != nil {
			t.close()
			return nil, fmt.Errorf("-transport tcp: %w", err)
		}
		t.listeners = append(t.listeners, l)
		t.serving.Go(func() { t.accept(ctx, l) })
	}
	return t, nil
}

// fits says whether the process may have a file for each end of each connection.
func (c config) fits() error {
	limit, known := openFiles()
	need := uint64(2*c.players + otherFiles)
	if c.transport.name != network.name || !known || need <= limit {
		return nil
	}
	return fmt.Errorf("%s players over TCP need %s open files, and the limit is %s: raise it (ulimit -n), or take fewer -players",
		count(int64(c.players)), count(int64(need)), count(int64(limit)))
}

func addresses(players int) int { return max(1, (players+playersPerAddress-1)/playersPerAddress) }

func (t *tcp) accept(ctx context.Context, l net.Listener) {
	for {
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // such as too many open files
			t.game.fail(err)
			return
		}
		t.serving.Go(func() { t.serve(ctx, conn) })
	}
}

func (t *tcp) close() {
	for _, l := range t.listeners {
		_ = l.Close()
	}
	t.serving.Wait() // all players have hung up
}

// serve is one session. What ends it, as an error of the connection, is the player
// who leaves.
func (t *tcp) serve(ctx context.Context, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	var id [8]byte
	if _, err := io.ReadFull(conn, id[:]); err != nil {
		return
	}
	s, err := t.game.login(ctx, binary.LittleEndian.Uint64(id[:]))
	if err != nil {
		return
	}
	defer t.game.logout(s)
	if _, err := conn.Write(s.token); err != nil {
		return
	}
	buf := make([]byte, wireSize)
	for {
		if _, err := io.ReadFull(conn, buf); err != nil {
			return
		}
		var w wire
		_, _ = binary.Decode(buf, binary.LittleEndian, &w) // has its size
		o := order{due: time.Duration(w.Due), number: w.Number, dx: w.DX, dy: w.DY, sum: w.Sum}
		if _, err := conn.Write([]byte{t.offer(ctx, move{order: o, from: s})}); err != nil {
			return
		}
	}
}

func (t *tcp) offer(ctx context.Context, m move) byte {
	err := t.game.inbox.send(context.WithoutCancel(ctx), m)
	switch {
	case err == nil:
		return yes
	case errors.Is(err, errUnavailable):
		return unavailable
	}
	return timedOut
}

// login dials, and takes the token. A connection that is given up while it waits
// is closed, which also ends the server's side.
func (t *tcp) login(ctx context.Context, seat int, id uint64) (connection, error) {
	at := t.listeners[seat/playersPerAddress].Addr().String()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", at)
	if err != nil {
		return nil, err
	}
	c := &client{game: t.game, conn: conn, buf: make([]byte, wireSize)}
	stop := context.AfterFunc(ctx, c.leave)
	defer stop()
	token := make([]byte, tokenSize)
	_, err = conn.Write(binary.LittleEndian.AppendUint64(nil, id))
	if err == nil {
		_, err = io.ReadFull(conn, token)
	}
	if err == nil && !stop() {
		err = ctx.Err()
	}
	if err != nil {
		c.leave()
		return nil, err
	}
	c.token = crc32.ChecksumIEEE(token)
	return c, nil
}

// client is a player's end of a connection.
type client struct {
	game  *game
	conn  net.Conn
	buf   []byte
	token uint32
}

func (c *client) sum() uint32 { return c.token }

// leave hangs up without waiting: ports that linger would run out within a minute.
func (c *client) leave() {
	if conn, ok := c.conn.(*net.TCPConn); ok {
		_ = conn.SetLinger(0)
	}
	_ = c.conn.Close()
}

func (c *client) order(_ context.Context, o order) error {
	w := wire{Due: int64(o.due), Number: o.number, Sum: o.sum, DX: o.dx, DY: o.dy}
	_, _ = binary.Encode(c.buf, binary.LittleEndian, w) // has its size
	c.game.tally.sent.Add(1)
	if _, err := c.conn.Write(c.buf); err != nil {
		return err
	}
	var answer [1]byte
	if _, err := io.ReadFull(c.conn, answer[:]); err != nil {
		return err
	}
	if int(answer[0]) >= len(answers) {
		return fmt.Errorf("the server answered %d", answer[0])
	}
	return answers[answer[0]]
}
