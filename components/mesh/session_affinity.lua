-- Brings every request of an MCP session (revisions up to 2025-11-25) back to the replica that holds the session.
-- The replica's address travels inside the session id that the client repeats: `<id>~<masked address in hex>`.
-- Runs in the proxy that chooses the replica: the caller's sidecar, or the gateway. `key` is 32 hexadecimal digits.
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

local function words(hex)
  local k = {}
  for digits in hex:gmatch("%x%x%x%x%x%x%x%x") do k[#k + 1] = bit.tobit(tonumber(digits, 16)) end
  return k
end

-- Masks and unmasks `text`: XTEA in output feedback, begun from the CBC-MAC of the session id, its length first.
local function masked(k, sid, text)
  local a, b = xtea(k, 0, #sid)
  for i = 1, #sid, 8 do a, b = xtea(k, bit.bxor(a, word(sid, i)), bit.bxor(b, word(sid, i + 4))) end
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
  local address = masked(words(handle:filterContext():get("key")), sid, unhex(hidden))
  if not (address:match("^[%d%.]+:%d+$") or address:match("^%[[%x:%.]+%]:%d+$")) then return end
  handle:headers():replace(HEADER, sid)
  handle:setUpstreamOverrideHost(address, false)
end

function envoy_on_response(handle)
  local headers = handle:headers()
  local address, sid = headers:get(UPSTREAM), headers:get(HEADER)
  headers:remove(UPSTREAM)
  if address == nil or sid == nil then return end
  headers:replace(HEADER, sid .. "~" .. hex(masked(words(handle:filterContext():get("key")), sid, address)))
end
