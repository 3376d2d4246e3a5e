package main

import (
	"context"
	"hash/crc32"
)

// A transport brings players to the server.
type transport interface {
	// login connects the player in a seat. The id decides the token.
	login(ctx context.Context, seat int, id uint64) (connection, error)
	// close ends the server's side, when all players have left.
	close()
}

// A connection is a player's, from login to leaving.
type connection interface {
	// sum is that of the token.
	sum() uint32
	// order sends a move, and waits for the answer: nil, errUnavailable or
	// errTimedOut. Any other error means that there was none.
	order(ctx context.Context, o order) error
	leave()
}

// A way is how players reach the server.
type way struct {
	name    string
	players int // unless set
	open    func(context.Context, *game) (transport, error)
}

// memory has the players in the server's process: a move is a call.
var memory = way{"mem", 50_000, func(_ context.Context, g *game) (transport, error) { return inProcess{g}, nil }}

// network has each player on a connection over loopback.
var network = way{"tcp", 5_000, openTCP}

type inProcess struct{ game *game }

func (p inProcess) login(ctx context.Context, _ int, id uint64) (connection, error) {
	s, err := p.game.login(ctx, id)
	if err != nil {
		return nil, err
	}
	return &call{p.game, s, crc32.ChecksumIEEE(s.token)}, nil
}

func (inProcess) close() {}

type call struct {
	game    *game
	session *session
	token   uint32
}

func (c *call) sum() uint32 { return c.token }
func (c *call) leave()      { c.game.logout(c.session) }

// order counts as sent before it is offered. One that was begun is finished also
// when the game ends, so that each has one outcome.
func (c *call) order(ctx context.Context, o order) error {
	c.game.tally.sent.Add(1)
	return c.game.inbox.send(context.WithoutCancel(ctx), move{order: o, from: c.session})
}
