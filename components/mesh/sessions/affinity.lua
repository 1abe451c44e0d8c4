-- Routes every request of an MCP session (revisions up to 2025-11-25) to the replica that holds the session.
-- The replica's address travels inside the session id that the client repeats: `<id>~<address, masked and signed, in hex>`.
-- Runs in the proxy that selects the replica: the caller's sidecar or the gateway. `key` is any text, and so is `previous`, the
-- key of sessions that began before its last change.
-- Envoy embeds LuaJIT: `bit` is built in, nothing else is loaded.

local HEADER, UPSTREAM = "mcp-session-id", "x-mcp-upstream"

-- Block cipher XTEA with 32 cycles on two 32-bit words. Source: Needham and Wheeler, "Tea extensions", 1997.
local function xtea(k, a, b)
  local sum = 0
  for _ = 1, 32 do
    local round = bit.bxor(bit.bxor(bit.lshift(b, 4), bit.rshift(b, 5)) + b, sum + k[bit.band(sum, 3) + 1])
    a = bit.tobit(a + round)
    sum = bit.tobit(sum + 0x9E3779B9)
    round = bit.bxor(bit.bxor(bit.lshift(a, 4), bit.rshift(a, 5)) + a, sum + k[bit.band(bit.rshift(sum, 11), 3) + 1])
    b = bit.tobit(b + round)
  end
  return a, b
end

-- Four bytes of `s` from position `i` as a word, padded with zeros.
local function word(s, i)
  local w, x, y, z = s:byte(i, i + 3)
  return bit.bor(bit.lshift(w or 0, 24), bit.lshift(x or 0, 16), bit.lshift(y or 0, 8), z or 0)
end

-- CBC-MAC of `s`, prefixed with its length against extension.
local function mac(k, s)
  local a, b = xtea(k, 0, #s)
  for i = 1, #s, 8 do a, b = xtea(k, bit.bxor(a, word(s, i)), bit.bxor(b, word(s, i + 4))) end
  return a, b
end

-- Derives a cipher key of four words from any text.
local KNOWN = {0x6D657368, 0x65642D6D, 0x63702E73, 0x65737369}
local function words_of(text)
  local a, b = mac(KNOWN, text)
  local c, d = mac(KNOWN, text .. ".")
  return {a, b, c, d}
end

-- Masking and signing keys of a text in the context, cached; nil without one.
local keys = {}
local function keys_of(handle, name)
  local text = handle:filterContext():get(name)
  if text == nil then return nil end
  if keys[text] == nil then keys[text] = {mask = words_of(text), sign = words_of("signature " .. text)} end
  return keys[text]
end

-- Masks and unmasks `text`: XTEA in output feedback mode, initialized with the MAC of the session id.
local function masked(k, sid, text)
  local a, b = mac(k, sid)
  local bytes = {}
  for i = 1, #text do
    local offset = (i - 1) % 8
    if offset == 0 then a, b = xtea(k, a, b) end
    local stream = bit.rshift(offset < 4 and a or b, 24 - offset % 4 * 8)
    bytes[i] = string.char(bit.band(bit.bxor(text:byte(i), stream), 255))
  end
  return table.concat(bytes)
end

-- MAC of the session id and its masked address.
local function signature(k, sid, hidden) return mac(k, sid .. "~" .. hidden) end

local function bytes_of(w)
  return string.char(bit.band(bit.rshift(w, 24), 255), bit.band(bit.rshift(w, 16), 255), bit.band(bit.rshift(w, 8), 255),
    bit.band(w, 255))
end

-- The masked address of a value if its signature, the last eight bytes, is valid; else nil.
local function signed(k, sid, value)
  if #value <= 8 then return nil end
  local hidden = value:sub(1, -9)
  local a, b = signature(k, sid, hidden)
  local differs = bit.bor(bit.bxor(a, word(value, #value - 7)), bit.bxor(b, word(value, #value - 3)))
  return differs == 0 and hidden or nil
end

local function hex(s) return (s:gsub(".", function(c) return string.format("%02x", c:byte()) end)) end
local function unhex(s) return (s:gsub("%x%x", function(h) return string.char(tonumber(h, 16)) end)) end

-- A foreign id, or one signed with another key, passes unchanged: the server responds 404 and the client starts a new
-- session. Envoy accepts only addresses that are endpoints of the service.
function envoy_on_request(handle)
  local id = handle:headers():get(HEADER)
  local sid, hidden = (id or ""):match("^(.+)~(%x+)$")
  if sid == nil then return end
  local value, k = unhex(hidden), keys_of(handle, "key")
  local ours = signed(k.sign, sid, value)
  if ours == nil then
    k = keys_of(handle, "previous")
    ours = k and signed(k.sign, sid, value)
  end
  if ours == nil then return end
  local address = masked(k.mask, sid, ours)
  if not (address:match("^[%d%.]+:%d+$") or address:match("^%[[%x:%.]+%]:%d+$")) then return end
  handle:headers():replace(HEADER, sid)
  handle:setUpstreamOverrideHost(address, false)
end

function envoy_on_response(handle)
  local headers = handle:headers()
  local address, sid = headers:get(UPSTREAM), headers:get(HEADER)
  headers:remove(UPSTREAM)
  if address == nil or sid == nil then return end
  local k = keys_of(handle, "key")
  local hidden = masked(k.mask, sid, address)
  local a, b = signature(k.sign, sid, hidden)
  headers:replace(HEADER, sid .. "~" .. hex(hidden .. bytes_of(a) .. bytes_of(b)))
end
