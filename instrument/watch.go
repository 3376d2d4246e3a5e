package instrument

import "reflect"

// Watch measures the depth of a channel that stays as it is: it returns ch
// itself, and no operation on it changes or gets slower. It takes any channel
// type that can be received from, named ones too.
//
// It knows len and cap alone, looked at once a second while somebody reads:
// depth, capacity, sampled peak and floor, and time full. It makes no claim about
// movement, so there is no stall and no rate; for those, NewChan or WrapChan.
// The channel is not kept alive. A nil channel is not measured.
func Watch[C interface{ ~chan T | ~<-chan T }, T any](name string, ch C, opts ...ChanOption) C {
	cfg := chanConfigOf(opts)
	cfg.bytes = nil // no message is seen
	r := registryOr(cfg.registry)
	if r.identity {
		registerChan(name, addressOf(ch), cfg, chanKind{
			target: targetChannel, elem: reflect.TypeFor[T](), capacity: int64(cap(ch)), exposed: true, skip: 1,
		})
	}
	return ch
}
