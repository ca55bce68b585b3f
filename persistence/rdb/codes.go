package rdb

import "quarry/store"

// Versions of the format. Writing is done in writeVersion, which Redis 5 and all later ones load. Redis' own count is at 12 in
// 7.4 and 8.0, and adds codes only; Valkey counts from 80 on.
const (
	magic        = "REDIS"
	valkeyMagic  = "VALKEY"
	headSize     = 9 // magic and version
	writeVersion = 9

	newestRedis  = 16
	oldestValkey = 80
	newestValkey = 81

	checksumSince = 5 // the version from which on there is a checksum at the end
)

// Codes that stand in place of a type.
const (
	codeSlotInfo      = 244
	codeFunction      = 245
	codeFunctionOld   = 246
	codeModuleAux     = 247
	codeIdle          = 248
	codeFreq          = 249
	codeAux           = 250
	codeResizeDB      = 251
	codeExpireMS      = 252
	codeExpireSec     = 253
	codeSelectDB      = 254
	codeEnd           = 255
	moduleEnd         = 0
	moduleInt         = 1
	moduleUint        = 2
	moduleFloat       = 3
	moduleDouble      = 4
	moduleString      = 5
	quicklistPlain    = 1
	quicklistListpack = 2
)

// Codes of types.
const (
	typeString       = 0
	typeList         = 1
	typeSet          = 2
	typeZSetText     = 3
	typeHash         = 4
	typeZSet         = 5
	typeModuleOld    = 6
	typeModule       = 7
	typeZipmap       = 9
	typeListZiplist  = 10
	typeIntset       = 11
	typeZSetZiplist  = 12
	typeHashZiplist  = 13
	typeQuicklist    = 14
	typeStream       = 15
	typeHashListpack = 16
	typeZSetListpack = 17
	typeQuicklist2   = 18
	typeStream2      = 19
	typeSetListpack  = 20
	typeStream3      = 21
	typeHashTTLFirst = 22 // and the three that follow; in Valkey 22 is a hash with times, too
	typeHashTTLLast  = 25
	typeStream4      = 26

	// Quarry's own, far from what Redis counts up, and from its codes, which it counts down.
	typeBloom = 208
	typeField = 209
)

// layout says how a value of a type lies in a file.
type layout struct {
	typ  store.Type
	read func(d *decoder)
}

// layouts are by code; those without a type cannot be read.
func layoutOf(code byte) (l layout, ok bool) {
	switch code {
	case typeString:
		return layout{store.TypeString, (*decoder).text}, true
	case typeList:
		return layout{store.TypeList, (*decoder).strings}, true
	case typeListZiplist:
		return layout{store.TypeList, (*decoder).ziplist}, true
	case typeQuicklist:
		return layout{store.TypeList, (*decoder).quicklist}, true
	case typeQuicklist2:
		return layout{store.TypeList, (*decoder).quicklist2}, true
	case typeSet:
		return layout{store.TypeSet, (*decoder).strings}, true
	case typeIntset:
		return layout{store.TypeSet, (*decoder).intset}, true
	case typeSetListpack:
		return layout{store.TypeSet, (*decoder).listpack}, true
	case typeHash:
		return layout{store.TypeHash, (*decoder).pairs}, true
	case typeZipmap:
		return layout{store.TypeHash, (*decoder).zipmap}, true
	case typeHashZiplist:
		return layout{store.TypeHash, (*decoder).ziplist}, true
	case typeHashListpack:
		return layout{store.TypeHash, (*decoder).listpack}, true
	case typeZSet:
		return layout{store.TypeZSet, (*decoder).rows}, true
	case typeZSetText:
		return layout{store.TypeZSet, (*decoder).textRows}, true
	case typeZSetZiplist:
		return layout{store.TypeZSet, (*decoder).ziplist}, true
	case typeZSetListpack:
		return layout{store.TypeZSet, (*decoder).listpack}, true
	case typeBloom:
		return layout{store.TypeBloom, (*decoder).records}, true
	case typeField:
		return layout{store.TypeField, (*decoder).records}, true
	}
	return layout{}, false
}

// refusal says why a value of a type that Redis has, or nobody, cannot be read.
func refusal(code byte) string {
	switch {
	case code == typeModuleOld || code == typeModule:
		return "it is of a module's type, and there are no modules"
	case code == typeStream || code == typeStream2 || code == typeStream3 || code == typeStream4:
		return "it is a stream, and there are none"
	case code >= typeHashTTLFirst && code <= typeHashTTLLast:
		return "it is a hash whose fields expire, which they cannot"
	}
	return "its type is unknown"
}
