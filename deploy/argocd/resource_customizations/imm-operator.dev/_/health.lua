-- Argo CD's health of an object of imm-operator.dev, of whichever kind. The table is in docs/health.md.
local status = obj.status or {}
if status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "waiting for the operator to look at this version of the object"}
end

local standing = {}
for _, condition in ipairs(status.conditions or {}) do
  if condition.status == "True" then
    standing[condition.type] = condition
  end
end

for _, rule in ipairs({
  {"Suspended", "Suspended"},
  {"Reconciling", "Progressing"},
  {"Stalled", "Degraded"},
  {"Ready", "Healthy"},
}) do
  local condition = standing[rule[1]]
  if condition ~= nil then
    return {status = rule[2], message = (condition.reason or "") .. ": " .. (condition.message or "")}
  end
end

return {status = "Progressing", message = "waiting for the object to become Ready"}
