-- Brings every request of an MCP session (revisions up to 2025-11-25) back to the replica that holds the session.
-- The replica's address travels inside the session id that the client repeats: `<id>~<masked address in hex>`.
-- Runs in the proxy that chooses the replica: the caller's sidecar, or the gateway. `key` is any text.
-- LuaJIT as Envoy has it: `bit` is built in, nothing else is loaded.

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

-- Four bytes of `s` from position `i` as a word; what is past the end counts as zero.
local function word(s, i)
  local w, x, y, z = s:byte(i, i + 3)
  return bit.bor(bit.lshift(w or 0, 24), bit.lshift(x or 0, 16), bit.lshift(y or 0, 8), z or 0)
end

-- CBC-MAC of `s`, its length first, so that no text's code is that of a longer one's beginning.
local function mac(k, s)
  local a, b = xtea(k, 0, #s)
  for i = 1, #s, 8 do a, b = xtea(k, bit.bxor(a, word(s, i)), bit.bxor(b, word(s, i + 4))) end
  return a, b
end

-- The cipher's key for a text, remembered: the first bytes of a name known to all turn any text into four words.
local KNOWN, keys = {0x6D657368, 0x65642D6D, 0x63702E73, 0x65737369}, {}
local function key_of(handle)
  local text = handle:filterContext():get("key")
  if keys[text] == nil then
    local a, b = mac(KNOWN, text)
    local c, d = mac(KNOWN, text .. ".")
    keys[text] = {a, b, c, d}
  end
  return keys[text]
end

-- Masks and unmasks `text`: XTEA in output feedback, begun from the code of the session id.
local function masked(k, sid, text)
  local a, b = mac(k, sid)
  local bytes = {}
  for i = 1, #text do
    local place = (i - 1) % 8
    if place == 0 then a, b = xtea(k, a, b) end
    local stream = bit.rshift(place < 4 and a or b, 24 - place % 4 * 8)
    bytes[i] = string.char(bit.band(bit.bxor(text:byte(i), stream), 255))
  end
  return table.concat(bytes)
end

local function hex(s) return (s:gsub(".", function(c) return string.format("%02x", c:byte()) end)) end
local function unhex(s) return (s:gsub("%x%x", function(h) return string.char(tonumber(h, 16)) end)) end

-- An id that we did not make, or made with another key, passes as it is: the server answers 404 and the client begins
-- a new session. The proxy honours only addresses that belong to the service.
function envoy_on_request(handle)
  local id = handle:headers():get(HEADER)
  local sid, hidden = (id or ""):match("^(.+)~(%x+)$")
  if sid == nil then return end
  local address = masked(key_of(handle), sid, unhex(hidden))
  if not (address:match("^[%d%.]+:%d+$") or address:match("^%[[%x:%.]+%]:%d+$")) then return end
  handle:headers():replace(HEADER, sid)
  handle:setUpstreamOverrideHost(address, false)
end

function envoy_on_response(handle)
  local headers = handle:headers()
  local address, sid = headers:get(UPSTREAM), headers:get(HEADER)
  headers:remove(UPSTREAM)
  if address == nil or sid == nil then return end
  headers:replace(HEADER, sid .. "~" .. hex(masked(key_of(handle), sid, address)))
end
