-- Stop writing to the cloud for this object. Observation goes on.
obj.spec.suspend = true
return obj
