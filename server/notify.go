package server

import (
	"strconv"
	"strings"

	"quarry/commands"
)

// Keyspace events are published on two channels, each if notify-keyspace-events has its letter:
//
//	K  __keyspace@<db>__:<key>    the message is the event
//	E  __keyevent@<db>__:<event>  the message is the key
//
// This happens under the locks of the command's shards, so that the messages come in
// the order of the changes; to publish is no more than to put a job into inboxes (pubsub.go).

const (
	keyspaceChannels = 1 << (30 + iota)
	keyeventChannels
)

// eventLetters are the letters of notify-keyspace-events. That of streams (t), and
// A for all the classes but n and m, the configuration knows.
var eventLetters = map[rune]uint32{
	'g': uint32(commands.ClassGeneric), '$': uint32(commands.ClassString), 'l': uint32(commands.ClassList),
	's': uint32(commands.ClassSet), 'h': uint32(commands.ClassHash), 'z': uint32(commands.ClassZSet),
	'x': uint32(commands.ClassExpired), 'e': uint32(commands.ClassEvicted), 'm': uint32(commands.ClassMiss),
	'n': uint32(commands.ClassNew), 'd': uint32(commands.ClassModule), 'K': keyspaceChannels, 'E': keyeventChannels,
}

// setEvents follows notify-keyspace-events. What it names counts as an observer of all keys.
func (s *Server) setEvents() error {
	letters := strings.ReplaceAll(s.cfg.NotifyKeyspaceEvents.Load(), "A", "g$lshzxed")
	events := uint32(0)
	for _, letter := range letters {
		events |= eventLetters[letter]
	}
	if events&(keyspaceChannels|keyeventChannels) == 0 {
		events = 0 // there is nowhere to publish them
	}
	was := s.events.Swap(events)
	switch {
	case was == 0 && events != 0:
		s.observing.Add(1)
	case was != 0 && events == 0:
		s.observing.Add(-1)
	}
	return nil
}

// publishEvent publishes what happened to a key, if that is asked for.
func (s *Server) publishEvent(db int, class commands.Class, event string, key []byte) {
	events := s.events.Load()
	if events&uint32(class) == 0 || s.pubsub.topics.Load() == 0 {
		return
	}
	p := &s.pubsub
	p.mu.Lock()
	defer p.mu.Unlock()
	if events&keyspaceChannels != 0 {
		p.channel = append(appendEventChannel(p.channel[:0], "__keyspace@", db), key...)
		p.text = append(p.text[:0], event...)
		p.send(commands.Channels, p.channel, p.text)
	}
	if events&keyeventChannels != 0 {
		p.channel = append(appendEventChannel(p.channel[:0], "__keyevent@", db), event...)
		p.send(commands.Channels, p.channel, key)
	}
	if cap(p.channel) > keepBytes {
		p.channel = nil
	}
}

func appendEventChannel(b []byte, kind string, db int) []byte {
	return append(strconv.AppendInt(append(b, kind...), int64(db), 10), "__:"...)
}
