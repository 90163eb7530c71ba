-- wrk.lua - what wrk posts to crm-host: messages about calls, match queries, or
-- messages that nobody does anything with. For wrk with one thread:
--
--   wrk -t1 ... -s wrk.lua URL -- log|match|nothing FILE FIRST
--
-- FILE: the messages (messages.h), or the queries (queries.h). It prints one line,
-- KEY=VALUE.
local lines, agents = {}, {}
local kind, call, stage, at = 'log', 0, 1, 0
local order = { 1, 2, 4, 5 }

local function fill(text)
	local numbers = {
		['@call@'] = string.format('%010d', 5000000000 + call), ['@alone@'] = '',
		['@caller@'] = string.format('%07d', call % 9999991), ['@start@'] = '1795301044308',
		['@request@'] = string.format('%012d', call * 5 + stage),
	}
	return (text:gsub('@%a+@', numbers))
end

function init(args)
	kind, call = args[1], tonumber(args[3])
	for line in io.lines(args[2]) do
		if kind == 'match' then
			local agent, ids = line:match('^(.-)\t(.*)$')
			agents[#agents + 1] = agent
			line = '{"type":"rc-post-message-request","requestId":"1","path":"/callLogger/match","body":{"sessionIds":["'
				.. ids:gsub(',', '","') .. '"],"activeSessionIds":[]}}'
		elseif kind == 'nothing' then
			line = line:gsub('"path":"/callLogger"', '"was":"/callLogger"'):gsub('"rc%-post%-message%-request"', '"rc-login-status-notify"')
		end
		lines[#lines + 1] = line
	end
	math.randomseed(42)
end

function request()
	local agent, text
	if kind == 'match' then
		at = at % #lines + 1
		agent, text = agents[at], lines[at]
	else
		agent = string.format('agent %04d', call * 7919 % 200)
		text = fill(lines[math.floor(call / 2) % 2 * 5 + order[stage]])
		stage = stage % 4 + 1
		if stage == 1 then call = call + 1 end
	end
	return wrk.format('POST', '/widget/messages', { ['Content-Type'] = 'application/json', ['X-Remote-User'] = agent },
		'{"message":' .. text .. '}')
end

function done(summary, latency)
	local errors = summary.errors
	io.write(string.format('wrk requests=%d seconds=%.6f bad=%d broken=%d p50_us=%d p99_us=%d\n', summary.requests,
		summary.duration / 1e6, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
		latency:percentile(50), latency:percentile(99)))
end
