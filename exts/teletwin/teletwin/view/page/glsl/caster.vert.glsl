// What throws shadows, seen from the lamp.
layout(std140) uniform Frames { mat4 frames[MAX_FRAMES]; };
uniform mat4 light_from_base;
in vec3 in_position;
in vec4 in_colour;
void main() {
    mat4 frame = frames[int(in_colour.a * 255.0 + 0.5)];
    gl_Position = light_from_base * (frame * vec4(in_position, 1.0));
}
