// Lit solids under one lamp with its shadow.
uniform vec3 light;
uniform sampler2DShadow shadow_map;
uniform bool shadowed;
in vec3 normal;
in vec3 to_eye;
in vec3 albedo;
in vec3 in_light;
in float height;
out vec4 colour;
void main() {
    vec3 n = normalize(normal);
    vec3 v = normalize(to_eye);
    float facing = dot(n, light);
    float lit = max(facing, 0.0);
    if (shadowed && facing > 0.0) lit *= texture(shadow_map, in_light);
    float near_table = 0.5 + 0.5 * clamp(height * 9.0 + 0.1, 0.0, 1.0);
    vec3 sky = mix(vec3(0.105, 0.110, 0.120), vec3(0.36, 0.40, 0.46), 0.5 + 0.5 * n.z) * near_table;
    vec3 h = normalize(light + v);
    float gloss = max(dot(n, h), 0.0);
    gloss *= gloss; gloss *= gloss; gloss *= gloss; gloss *= gloss; gloss *= gloss;
    float rim = 1.0 - max(dot(n, v), 0.0);
    rim *= rim * rim;
    vec3 c = albedo * (sky + vec3(1.02, 0.97, 0.90) * lit) + 0.16 * gloss * lit + 0.10 * rim * sky;
    colour = vec4(sqrt(c / (0.86 + 0.32 * c)), 1.0);
}
