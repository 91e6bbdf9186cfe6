"""The person's own words are written as they want them: «в кубернетесе» is «в Kubernetes».

`terms.writing.write_terms` is the way in, with a dictionary made by `terms.dictionary.indexed`.
`sounds` knows how words sound, `endings` how they are inflected.
"""
